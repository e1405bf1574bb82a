"""The terms of a passage in the order of its text, sentence by sentence: what a candidate is scored by."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ingest.plain import plain
from terakoya.text.analyser import Analyser
from terakoya.text.sentences import sentence_spans


@dataclass(frozen=True, slots=True)
class TermSequence:
    """The terms of a passage.

    Attributes:
        context: Those of what stands above it: note title, headings, list items.
        sentences: Those of its text, by sentence.
    """

    context: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, context: str, text: str, analyser: Analyser, shown: str | None = None) -> Self:
        """Analyses a passage, of which `text` is Markdown. See `index`."""
        normal = unicodedata.normalize("NFKC", plain(text) if shown is None else shown)
        ends = [end for _, end in sentence_spans(normal)]
        sentences: list[list[str]] = [[] for _ in ends] or [[]]
        at = 0
        for token in analyser.tokens(normal):
            while at < len(ends) - 1 and token.start >= ends[at]:
                at += 1
            sentences[at].append(token.form)
        above = tuple(token.form for token in analyser.tokens(context))
        return cls(above, tuple(tuple(each) for each in sentences if each))

    @classmethod
    def decode(cls, stored: str) -> Self:
        """From `encode`."""
        context, *sentences = stored.split("\n")
        return cls(_split(context), tuple(_split(each) for each in sentences))

    def encode(self) -> str:
        """One line for the context, one for each sentence, terms between tabs: no term holds either."""
        return "\n".join("\t".join(each) for each in (self.context, *self.sentences))

    def forms(self) -> Iterator[str]:
        """All terms in order."""
        yield from self.context
        for each in self.sentences:
            yield from each


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the lexical index keeps of a passage.

    Attributes:
        sequence: Its terms in order.
        words: The same, counted.
        grams: Its character bigrams, counted.
    """

    sequence: TermSequence
    words: Counter[str]
    grams: Counter[str]


def index(context: str, text: str, analyser: Analyser, shown: str | None = None) -> Indexed:
    """Analyses a passage for the index.

    Args:
        context: What stands above it; see `context_of`.
        text: Its Markdown.
        analyser: The one that queries are analysed with.
        shown: What is read instead of `plain(text)`, where that is more; see `ingest/unseen.py`.
    """
    shown = plain(text) if shown is None else shown
    sequence = TermSequence.of(context, text, analyser, shown)
    grams = analyser.grams(f"{context}\n{shown}")
    return Indexed(sequence=sequence, words=Counter(sequence.forms()), grams=grams)


def context_of(title: str, heading: Sequence[str], ancestors: Sequence[str]) -> str:
    """What stands above a passage, a line for each: the note's title, its headings, its list items."""
    return "\n".join((*(() if title in heading else (title,)), *heading, *ancestors))


def _split(line: str) -> tuple[str, ...]:
    return tuple(line.split("\t")) if line else ()
