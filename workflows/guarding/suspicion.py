"""Which parts of a text read like orders to the assistant: deterministic rules, Japanese and English.

No set of rules finds every planted order, and none has to: what a flagged part may do is what any part of a note may
do, less. The rules show the user what is there, and keep it out of prompts and answers.
"""

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from terakoya.text.language import JAPANESE
from terakoya.text.sentences import sentence_spans
from workflows.guarding import english, japanese
from workflows.guarding.folding import Folded, folded, unwrapped
from workflows.guarding.foreign import foreign_order, is_prose, may_hold_order
from workflows.guarding.rule import Family
from workflows.guarding.tokens import TOKEN

_RULES: Final = (*english.RULES, *japanese.RULES)
_EXAM: Final = re.compile(f"{english.EXAM}|{japanese.EXAM}")
_ATTACK: Final = re.compile(f"{english.ATTACK}|{japanese.ATTACK}", re.VERBOSE)
_EXAMPLE: Final = re.compile(
    f"{english.EXAMPLE}|{japanese.EXAMPLE}|{english.ATTACK}|{japanese.ATTACK}", re.VERBOSE
)
_QUOTES: Final = (("「", "」"), ("『", "』"), ("“", "”"), ('"', '"'), ("`", "`"), ("'", "'"))
_REACH: Final = 240
"""How far around a find it is looked for quotation marks and for words that tell of attacks."""
_STOP: Final = re.compile(r"[.!?]\s|[。!?]")
_LINE: Final = re.compile(r"[^\n]*\n?")
_BREAK: Final = re.compile(r"[ \t>]{0,12}(?:[-*+・●•▪◦#|※■]|\d{1,3}[.)]\s|```|~~~)")
_SENTENCE: Final = 2000
"""Longer paragraphs are not cut into sentences: the find itself is what is marked."""
_UNSEEN: Final = re.compile(
    r"<[a-z]{1,10}\s[^<>]{0,200}(?:display\s{0,2}:\s{0,2}none|visibility\s{0,2}:\s{0,2}hidden|font-size\s{0,2}:\s{0,2}0|"
    r"opacity\s{0,2}:\s{0,2}0[;\"']|\bhidden\b)[^<>]{0,200}>([^<]{0,2000})",
    re.IGNORECASE,
)
_INVISIBLE: Final = re.compile(
    "[\u200b-\u200d\u2060-\u2064\ufeff]{8,4000}|[\u202d\u202e][^\u202c\n]{1,400}|[\U000e0000-\U000e007f]{4,4000}"
)
_FLAG: Final = "\U0001f3f4"
_ENCODED: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{24,4000}={0,2}")


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A part of a text that reads like an order to the assistant.

    Attributes:
        rule: The family of the rule that found it.
        start: First code point in the text.
        end: Behind its last code point.
    """

    rule: Family
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Found:
    family: Family
    start: int
    end: int
    spreads: bool = False


def suspicions(text: str, context: str = "") -> tuple[Suspicion, ...]:
    """The suspicious parts of `text`, in order, apart from one another, each of whole sentences where there are any.

    Takes time in proportion to the length of the text.

    Args:
        text: A passage of a note, or what a tool returned.
        context: What stands above it, such as headings: a question about that is not foreign.
    """
    return _suspicions(text, context)


@lru_cache(maxsize=256)
def _suspicions(text: str, context: str) -> tuple[Suspicion, ...]:
    if not text.strip():
        return ()
    read = folded(text)
    found = [*_by_rules(read), *_hidden(text)]
    joined = unwrapped(read)
    if joined.text != read.text:
        found += _by_rules(joined)
    stretches = _stretches(text)
    spans = [*_widened(text, found, stretches), *_foreign(text, context, stretches)]
    return tuple(_apart(spans))


def trusted_path(path: Sequence[str]) -> tuple[str, ...]:
    """Headings or list items above, without those that read like orders."""
    return tuple(step for step in path if not suspicions(step))


def _by_rules(read: Folded) -> Iterator[_Found]:
    exam: bool | None = None
    for each in _RULES:
        if each.needs and not any(word in read.text for word in each.needs):
            continue
        for match in each.pattern.finditer(read.text):
            if match.start() == match.end():
                continue
            if each.exam:
                exam = _EXAM.search(read.text) is not None if exam is None else exam
                if exam:
                    break
            start = _inked(read.text, match)
            if not _mentioned(read.text, start, match.end()):
                yield _Found(each.family, *read.span(start, match.end()), each.spreads)
    for match in TOKEN.finditer(read.text):
        if not _in_code(read.text, match.start()):
            yield _Found("role", *read.span(*match.span()), spreads=True)


def _inked(text: str, match: re.Match[str]) -> int:
    """Where a find begins to the eye: what a rule looks at in front of it belongs to the sentence before."""
    start = match.start()
    while start < match.end() - 1 and (text[start].isspace() or text[start] in ".!?。！？,;:、"):
        start += 1
    return start


def _mentioned(text: str, start: int, end: int) -> bool:
    """Whether the words are told of and not said: quoted as an example, or reported of an attack."""
    left, right = max(0, start - _REACH), min(len(text), end + _REACH)
    before = text[max(left, text.rfind("\n", left, start) + 1) : start]
    after = text[end:right].split("\n", 1)[0]
    same = f"{_STOP.split(before)[-1]} {_STOP.split(after)[0]}"  # what else stands in the sentence
    above = text[max(0, start - 2 * _REACH) : start]
    if _quoted(before, text[start:end], after) and (_EXAMPLE.search(same) or _ATTACK.search(above)):
        return True
    if _in_code(text, start) and _EXAMPLE.search(above):
        return True
    if not _ATTACK.search(same):
        return False
    if JAPANESE.search(text[start:end]):  # what it is called follows it
        return _behind(after)
    told = _STOP.split(before)[-1].strip(" \t-*>#・")
    return bool(told) and told[-1] not in ":："


def _behind(after: str) -> bool:
    """The Japanese way of telling of something: what it is called follows it."""
    return bool(
        re.match(
            r"[^。\n]{0,12}(?:という|といった|ような|よう(?:に)?(?:仕向|誘導|指示|命令|だま)|などの|と(?:書|命|指示|誘導))",
            after,
        )
    )


def _quoted(before: str, found: str, after: str) -> bool:
    for opening, closing in _QUOTES:
        if opening == closing:
            inside = before.count(opening) % 2 == 1 or found.lstrip()[:1] == opening
        else:
            inside = before.rfind(opening) > before.rfind(closing) or found.lstrip()[:1] == opening
        if inside and (closing in after or found.rstrip().endswith(closing)):
            return True
    return False


def _in_code(text: str, at: int) -> bool:
    """Whether a place lies in a block of code, or in code inside a line."""
    near = text[max(0, at - 4 * _REACH) : at]
    if near.count("```") % 2:
        return True
    line = near.rsplit("\n", 1)[-1]
    return line.replace("```", "").count("`") % 2 == 1


def _hidden(text: str) -> Iterator[_Found]:
    for found in _INVISIBLE.finditer(text):
        if not (found[0][0] >= "\U000e0000" and text[found.start() - 1 : found.start()] == _FLAG):
            yield _Found("hidden", *found.span())
    for found in _UNSEEN.finditer(text):
        if _orders(found[1]):
            yield _Found("hidden", *found.span())
    for start, end in _comments(text):
        if _orders(text[start:end]):
            yield _Found("hidden", start, end)
    for found in _ENCODED.finditer(text):
        if _orders(_decoded(found[0])):
            yield _Found("hidden", *found.span())
    tags = "".join(chr(ord(c) - 0xE0000) for c in text if "\U000e0020" <= c <= "\U000e007e")
    if tags and _orders(tags):
        at = next(i for i, c in enumerate(text) if "\U000e0020" <= c <= "\U000e007e")
        yield _Found("hidden", at, at + 1)


def _comments(text: str) -> Iterator[tuple[int, int]]:
    start = text.find("<!--")
    while start >= 0 and (end := text.find("-->", start)) >= 0:
        yield start, end + 3
        start = text.find("<!--", end)


def _orders(text: str) -> bool:
    return any(each.pattern.search(read) for read in [folded(text).text] for each in _RULES)


def _decoded(code: str) -> str:
    try:
        return base64.b64decode(code + "=" * (-len(code) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _stretches(text: str) -> list[tuple[int, int]]:
    """Paragraphs, items, headings and rows: lines that belong together."""
    spans: list[tuple[int, int]] = []
    begin = -1
    for line in _LINE.finditer(text):
        if not line[0]:
            break
        blank = not line[0].strip()
        if begin >= 0 and (blank or _BREAK.match(line[0])):
            spans.append((begin, line.start()))
            begin = -1
        if begin < 0 and not blank:
            begin = line.start()
    if begin >= 0:
        spans.append((begin, len(text)))
    return spans


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    if end - start > _SENTENCE:
        return []
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]


def _widened(text: str, found: list[_Found], stretches: list[tuple[int, int]]) -> Iterator[Suspicion]:
    """Finds as whole sentences; behind one that spreads the rest of its paragraph, and the list that it leads in."""
    begins = [start for start, _ in stretches]
    cut: dict[int, list[tuple[int, int]]] = {}
    for each in found:
        first = max(0, bisect_right(begins, each.start) - 1)
        last = max(first, bisect_right(begins, max(each.start, each.end - 1)) - 1)
        for index in {first, last}:
            if index not in cut:
                cut[index] = _sentences(text, *stretches[index])
        start = next((a for a, b in cut[first] if a <= each.start < b), each.start)
        end = next((b for a, b in cut[last] if a < each.end <= b), each.end)
        if each.spreads:
            end = max(end, stretches[last][1])
            if text[start:end].rstrip().endswith((":", "：")):
                end = _end_of_list(text, last, stretches)
        while end > start and text[end - 1].isspace():
            end -= 1
        yield Suspicion(each.family, start, end)


def _end_of_list(text: str, index: int, stretches: list[tuple[int, int]]) -> int:
    """The end of the items right behind a stretch, else its own."""
    end = stretches[index][1]
    for start, stop in stretches[index + 1 : index + 50]:
        led_in = end == stretches[index][1]  # a blank line may stand between it and the first item
        if not _BREAK.match(text, start) or not (led_in or (text[:start].endswith("\n") and end == start)):
            break
        end = stop
    return end


def _foreign(text: str, context: str, stretches: list[tuple[int, int]]) -> Iterator[Suspicion]:
    for start, end in stretches:
        if end - start > _SENTENCE or not (
            is_prose(text[start:end].lower()) and may_hold_order(text[start:end])
        ):
            continue
        for a, b in _sentences(text, start, end):
            sentence = folded(text[a:b]).text
            around = f"{context}\n{text[max(0, a - _SENTENCE) : a]}\n{text[b : b + _SENTENCE]}"
            if b - a < 300 and foreign_order(sentence, folded(around).text):
                yield Suspicion("foreign", a, b)


def _apart(spans: list[Suspicion]) -> Iterator[Suspicion]:
    kept: Suspicion | None = None
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if kept is None or span.start >= kept.end:
            if kept is not None:
                yield kept
            kept = span
        elif span.end > kept.end:
            kept = Suspicion(kept.rule, kept.start, span.end)
    if kept is not None:
        yield kept
