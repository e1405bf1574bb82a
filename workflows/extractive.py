"""The extractive answerer: finds the units that answer, quotes and cites them, and knows when none does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from terakoya.catalogue import text as sentence
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import Question, analyse_question
from terakoya.types import Draft, Passage, Turn
from workflows.composing import compose, nearest
from workflows.guarding.passages import quotable
from workflows.scoring import LONG, REASON, Candidate, Scored, read_candidates, score, score_unit
from workflows.units import Unit

MOST_UNITS: Final = 6
SUPPORTED: Final = 0.6
"""Share of the question's evidence that the chosen units must hold for an answer.

With a named subject found and the one attribute asked of it missing, support is 1.4 / 2.4 = 0.58; the threshold
stands just above. `make eval` shows what it costs: fewer wrong answers against more declined questions.
"""
_CODE_WINDOW: Final = 12
"""Lines that are quoted of a longer block of code."""
_MENTIONED: Final = 0.25
"""Support from which on the nearest passage is worth showing when the answer is not there."""


class ExtractiveAnswerer:
    """Answers by quoting. Needs no model and makes nothing up.

    Each unit is scored by the evidence for the question's terms that stands in it or, for less, above it; by
    being headed by what is asked about; by the kind of thing asked for; and by its passage's rank. One unit is
    quoted, or one for each side of a comparison and each part of a question about several things. The share
    of the evidence that the quoted units hold decides whether the notes answer at all.
    """

    name = "extractive"

    def __init__(self, analyser: Analyser, *, supported: float = SUPPORTED) -> None:
        self._analyser = analyser
        self._supported = supported

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        others: Sequence[str] = (),
        history: Sequence[Turn] = (),
        emit: Emit,
    ) -> Draft:
        """Quotes the units of `passages` that answer `question`; see `terakoya.protocols.Answerer`.

        The form of the question that the notes support best is answered, the question itself where one supports
        it as well.
        """
        asked = analyse_question(question, self._analyser)
        candidates = [c for c in read_candidates(passages, self._analyser) if quotable(c.unit)]
        draft = self._draft(asked, candidates)
        for other in others:
            renamed = replace(analyse_question(other, self._analyser), language=asked.language)
            again = self._draft(renamed, candidates)
            if again.answered and (not draft.answered or again.confidence > draft.confidence):
                draft = again
        emit(draft.text)
        return draft

    def _draft(self, asked: Question, candidates: Sequence[Candidate]) -> Draft:
        scored = score(asked, candidates)
        chosen = self._choose(asked, scored, candidates)
        support = _support(asked, chosen)
        if not chosen or support < self._supported:
            return self._decline(asked, scored, support)
        text, citations = compose(asked, [c.unit for c in chosen])
        return Draft(text=text, answered=True, citations=citations, model=self.name, confidence=support)

    def _choose(
        self, asked: Question, scored: Sequence[Scored], candidates: Sequence[Candidate]
    ) -> list[Scored]:
        """The best unit; for a comparison the best for each side; for several things the best for each."""
        if not scored or scored[0].score <= 0:
            return []
        if asked.sides:
            return self._sides(asked, scored, candidates)
        best = _with_reason(scored) if asked.kind == "why" else scored[0]
        chosen = [replace(best, unit=_window(asked, best.unit, self._analyser))]
        if not asked.several:
            return chosen
        missing = {t.surface for t in asked.terms if chosen[0].direct[t.surface] < 0.5}
        for candidate in scored[1:200]:
            gained = {t for t in missing if candidate.direct[t] >= 0.5}
            about = all(candidate.whole[t.surface] >= 0.5 for t in asked.subject)
            if gained and about and not any(candidate.unit.overlaps(c.unit) for c in chosen):
                chosen.append(candidate)
                missing -= gained
            if not missing or len(chosen) == MOST_UNITS:
                break
        return chosen

    def _sides(
        self, asked: Question, scored: Sequence[Scored], candidates: Sequence[Candidate]
    ) -> list[Scored]:
        """One unit for each side, unless one unit is headed by both or tells both in one line."""
        others = tuple(
            t for t in asked.terms if t.surface not in {s.surface for side in asked.sides for s in side}
        )
        chosen: list[Scored] = []
        for side in asked.sides:
            one = replace(asked, kind="definition", terms=(*side, *others), sides=())
            for best in score(one, candidates):
                if best.score <= 0 or min(best.whole[t.surface] for t in side) < 0.5:
                    break
                if not any(best.unit.overlaps(c.unit) for c in chosen):
                    chosen.append(self._again(asked, best, candidates))
                    break
                if any(best.unit == c.unit for c in chosen):
                    break
        best = scored[0]
        held = [min(best.direct[t.surface] for t in side if t.surface in best.direct) for side in asked.sides]
        if min(held) >= 0.5 and len(chosen) < 2:
            return [best]
        return chosen or [best]

    def _again(self, asked: Question, found: Scored, candidates: Sequence[Candidate]) -> Scored:
        """A unit found for one side, scored for the whole question."""
        return next(score_unit(asked, c) for c in candidates if c.unit == found.unit)

    def _decline(self, asked: Question, scored: Sequence[Scored], support: float) -> Draft:
        near = [s for s in scored[:1] if s.support >= _MENTIONED]
        held, missing = _told_apart(asked, near)
        if held and missing:
            text = sentence("answer.touched", language=asked.language, held=held, missing=missing)
        else:
            text = sentence("answer.nothing", language=asked.language)
        citations = nearest([s.unit for s in near])
        return Draft(text=text, answered=False, citations=citations, model=self.name, confidence=support)


def _with_reason(scored: Sequence[Scored]) -> Scored:
    """For "why": a line that gives no reason is quoted with the lines around it, where the reason stands."""
    best = scored[0]
    if REASON.search(best.unit.text) or best.unit.children:
        return best
    around = [
        s
        for s in scored
        if s.unit.overlaps(best.unit)
        and s.unit.start <= best.unit.start
        and s.unit.end > best.unit.end
        and s.unit.text.count("\n") < LONG
    ]
    return min(around, key=lambda s: len(s.unit.text), default=best)


def _window(asked: Question, unit: Unit, analyser: Analyser) -> Unit:
    """Of a long block of code only the lines around what was asked about."""
    lines = unit.text.split("\n")
    if unit.kind != "code" or len(lines) <= _CODE_WINDOW + 2:
        return unit
    inside = lines[1:-1] if lines[0].lstrip().startswith(("```", "~~~")) else lines
    held = [sum(t.weight * Reading.of(line, analyser).evidence(t) for t in asked.terms) for line in inside]
    first = max(range(len(inside)), key=lambda i: (held[i], -i))
    first = max(0, min(first - 1, len(inside) - _CODE_WINDOW))
    before = len(lines[0]) + 1 if inside is not lines else 0
    start = unit.start + before + sum(len(line) + 1 for line in inside[:first])
    quoted = "\n".join(inside[first : first + _CODE_WINDOW]).rstrip()
    return replace(unit, start=start, end=start + len(quoted), own_end=start + len(quoted))


def _support(asked: Question, chosen: Sequence[Scored]) -> float:
    """Share of the question's evidence that the quoted units hold, 0 to 1."""
    if not chosen or not asked.terms:
        return 0.0
    if len(chosen) == 1:
        return chosen[0].support
    language = chosen[0].unit.passage.language
    weights = {t.surface: asked.weight(t, language) for t in asked.terms}
    total = sum(weights.values()) or 1.0
    return sum(w * max(c.whole[t] for c in chosen) for t, w in weights.items()) / total


def _told_apart(asked: Question, near: Sequence[Scored]) -> tuple[str, str]:
    """What the notes hold of the question and what they do not, as quoted words."""
    opening, closing, between = ("「", "」", "") if asked.language == "ja" else ("“", "”", ", ")
    # a verb cut from its ending is no word to show
    subject = [t for t in asked.terms if not t.generic and t.tokens[0][0].kind != "predicate"]

    def named(held: bool) -> str:
        return between.join(
            f"{opening}{asked.spelling(t)}{closing}"
            for t in subject
            if any(s.whole[t.surface] >= 0.5 for s in near) == held
        )

    return named(True), named(False)
