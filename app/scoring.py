"""Scores on the trace of every answer, computed behind the back of whoever asked."""

import logging
import re
import threading
import time
from collections import deque
from typing import Final

from app.ending import ending
from terakoya.protocols import Tracer
from terakoya.text.analyser import Analyser, Token
from terakoya.text.evidence import Reading
from terakoya.text.normalise import squeeze
from terakoya.text.sentences import sentence_spans
from terakoya.types import Citation, Outcome

log = logging.getLogger(__name__)

SUPPORTED: Final = 0.8
"""Share of a sentence's words of substance that quotes have to hold, as the metric `faithfulness` of evals has it."""
WAITING: Final = 1_000
"""Answers that wait to be scored; beyond this the oldest are not scored."""
_MARK: Final = re.compile(r"\s?\[(\d{1,3})\]")
_LEADING: Final = re.compile(r"^(?:\s?\[\d{1,3}\])+")
_BLOCK: Final = re.compile(r"\n\s*\n")
_NO_SUBSTANCE: Final = frozenset({"weak", "affix", "question"})


def scores_of(outcome: Outcome, analyser: Analyser) -> dict[str, float]:
    """The scores of an answer.

    `latency_ms`: from question to answer. `abstained`: 1 where the notes do not answer, 0 where they do, none where
    they were not asked: for courtesy, a tool in vain, or a question that was cut short. Of answers only, after Gao
    et al. 2023, "Enabling Large Language Models to Generate Text with Citations" (citation recall), by words in
    place of a model of entailment: `citation_support`, the share of sentences that the quotes behind their own
    marks support, and `groundedness`, the share that any quote supports. A mark stands for all sentences of its
    paragraph or list since the mark before it; a sentence that ends with a colon claims nothing.
    """
    scores = {}
    if "total" in outcome.timings:
        scores["latency_ms"] = float(outcome.timings["total"])
    ended = ending(outcome)
    if ended in ("answered", "abstained"):  # of all others it says nothing whether the notes know
        scores["abstained"] = float(ended == "abstained")
    if not outcome.answered or not outcome.citations:
        return scores
    quotes = {citation.marker: _Source([citation], analyser) for citation in outcome.citations}
    whole = _Source(outcome.citations, analyser)
    own, every = [], []
    for sentence, markers in _claims(outcome.answer):
        terms = [
            t for line in sentence.split("\n") for t in analyser.tokens(line) if t.kind not in _NO_SUBSTANCE
        ]
        if terms:
            every.append(whole.supports(sentence, terms))
            own.append(any(quotes[m].supports(sentence, terms) for m in markers if m in quotes))
    if every:
        scores["citation_support"] = sum(own) / len(own)
        scores["groundedness"] = sum(every) / len(every)
    return scores


class _Source:
    """Quotes with the headings above them, analysed once."""

    def __init__(self, citations: "tuple[Citation, ...] | list[Citation]", analyser: Analyser) -> None:
        pieces = [part for c in citations for part in (*c.heading, c.quote)]
        self._reading = Reading.of("\n".join(pieces), analyser)
        self._literal = squeeze("\n".join(pieces))

    def supports(self, sentence: str, terms: list[Token]) -> bool:
        """Whether the sentence stands there, or enough of its words and all of its numbers."""
        if squeeze(sentence) in self._literal:
            return True
        if any(term.kind == "number" and not self._reading.holds(term) for term in terms):
            return False
        return sum(map(self._reading.holds, terms)) / len(terms) >= SUPPORTED


def _claims(answer: str) -> list[tuple[str, tuple[int, ...]]]:
    """Sentences, each with the markers that stand for it."""
    claims: list[tuple[str, tuple[int, ...]]] = []
    for block in _BLOCK.split(answer):
        waiting: list[str] = []
        for piece in (line[a:b] for line in block.split("\n") for a, b in sentence_spans(line)):
            behind = _LEADING.match(piece)  # a mark behind a full stop belongs to the sentence before it
            if behind and waiting:
                claims.extend((each, _markers(behind[0])) for each in waiting)
                waiting, piece = [], piece[behind.end() :]
            said = _MARK.sub("", piece).strip()
            if said and not said.rstrip("*_ ").endswith((":", "：")):
                waiting.append(said)
            if markers := _markers(piece):
                claims.extend((each, markers) for each in waiting)
                waiting = []
        claims.extend((each, ()) for each in waiting)
    return claims


def _markers(text: str) -> tuple[int, ...]:
    return tuple(int(mark) for mark in _MARK.findall(text))


class AnswerScores:
    """Scores answers in a thread of its own."""

    def __init__(self, tracer: Tracer, analyser: Analyser) -> None:
        self._tracer = tracer
        self._analyser = analyser
        self._queue: deque[Outcome] = deque(maxlen=WAITING)
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def add(self, outcome: Outcome) -> None:
        """Takes an answer; returns at once."""
        with self._changed:
            if self._closed:
                return
            self._queue.append(outcome)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="answer-scores", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self, timeout: float = 0.5) -> None:
        """Scores what waits, within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
                outcome = self._queue.popleft()
            try:
                for name, value in scores_of(outcome, self._analyser).items():
                    self._tracer.score(outcome.trace_id, name, value)
            except Exception as error:  # an answer without scores is still an answer
                log.warning("an answer could not be scored: %s", type(error).__name__)
