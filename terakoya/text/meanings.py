"""Where a text names something that the glossary knows, or Sudachi's dictionary knows other words for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from terakoya.text.glossary import LONGEST, english_names, japanese_names
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import fold
from terakoya.text.stemming import stem
from terakoya.text.stopwords import ENGLISH_QUESTION, ENGLISH_STOP, JAPANESE_QUESTION

if TYPE_CHECKING:
    from terakoya.text.analyser import Token

FEW: Final = 3
"""A word of more meanings (AI) is an abbreviation of many things, and tells of none."""
_SPOKEN: Final = frozenset({"名詞", "動詞", "形容詞", "形状詞"})
_NOT_SPOKEN: Final = frozenset({"数詞", "非自立可能", "助動詞語幹"})
_NO_WORDS: Final = ENGLISH_STOP | ENGLISH_QUESTION | JAPANESE_QUESTION
_WORDS_APART: Final = re.compile(r"[\s\-‐–]?")
_ENGLISH_WORD: Final = re.compile(r"[a-zà-ɏ0-9]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A stretch of a text, and what it may mean.

    Attributes:
        start: First code point in the NFKC form of the text.
        end: Behind its last.
        numbers: Of the things that it names: above 0 Sudachi's groups, below 0 entries of the glossary.
    """

    start: int
    end: int
    numbers: frozenset[int]


def of_morphemes(morphemes: Sequence[Any], split: Any, at: int) -> Iterator[Meaning]:
    """Sudachi's groups of words as long as they come, and of their parts."""
    for whole in morphemes:
        kind, sort = whole.part_of_speech()[:2]
        if kind not in _SPOKEN or sort in _NOT_SPOKEN or whole.surface() in _NO_WORDS:
            continue
        parts = whole.split(split)
        for morpheme in (whole, *parts) if len(parts) > 1 else (whole,):
            groups = morpheme.synonym_group_ids()
            if 0 < len(groups) <= FEW:
                yield Meaning(at + morpheme.begin(), at + morpheme.end(), frozenset(groups))


def of_glossary(text: str, tokens: Sequence["Token"]) -> Iterator[Meaning]:
    """Entries of the glossary that runs of `tokens` name: 検証損失, and the 損失 in it.

    Args:
        text: In NFKC.
        tokens: Its words one behind the other, without parts of them.
    """
    for first, token in enumerate(tokens):
        if token.kind == "question":
            continue
        japanese = JAPANESE.search(token.surface) is not None
        run: list[Token] = []
        for further in tokens[first : first + LONGEST]:
            if run and not _joined(text, run[-1], further, japanese):
                break
            run.append(further)
            numbers = _japanese(text, run) if japanese or not further.surface.isascii() else _english(run)
            if 0 < len(numbers) <= FEW and (len(run) > 1 or further.kind not in ("weak", "affix")):
                yield Meaning(token.start, further.end, numbers)


def _joined(text: str, one: "Token", other: "Token", japanese: bool) -> bool:
    between = text[one.end : other.start]
    return not between or (between == "の" if japanese else _WORDS_APART.fullmatch(between) is not None)


def _japanese(text: str, run: Sequence["Token"]) -> frozenset[int]:
    """A word that bends stands under its form, a compound as it is written."""
    names = japanese_names()
    written = names.get(fold(text[run[0].start : run[-1].end]), frozenset())
    return written or (names.get(run[0].form, frozenset()) if len(run) == 1 else written)


def _english(run: Sequence["Token"]) -> frozenset[int]:
    return _stemmed().get(_key(" ".join(t.surface for t in run)), frozenset())


@cache
def _stemmed() -> dict[tuple[str, ...], frozenset[int]]:
    found: dict[tuple[str, ...], frozenset[int]] = {}
    for name, numbers in english_names().items():
        key = _key(name)
        found[key] = found.get(key, frozenset()) | numbers
    return found


def _key(name: str) -> tuple[str, ...]:
    """Words without their endings; those joined by a hyphen are apart: self-attention, half life."""
    return tuple(
        stem(word.removesuffix("'s")) for word in _ENGLISH_WORD.findall(fold(name).replace("'s", ""))
    )


def apart(meanings: Sequence[Meaning], start: int, end: int) -> frozenset[int]:
    """What is meant by the words from `start` to `end`, or by a longer name that they are part of.

    Of names of the glossary that begin together only the longest is meant: in "context window" no context.
    """
    covering = [m for m in meanings if m.start <= start and end <= m.end]
    ends = {m.start: max(o.end for o in covering if o.start == m.start) for m in covering}
    meant = (m for m in covering if max(m.numbers) > 0 or m.end == ends[m.start])
    return frozenset[int]().union(*(m.numbers for m in meant))
