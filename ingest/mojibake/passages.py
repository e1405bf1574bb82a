"""Which parts of a text are mojibake: decided before anything is repaired, and with caution.

A false repair destroys what was right, a miss leaves what was already wrong, so the doubt goes to the
text. The unit is a cluster, a run of characters that are not ASCII. In mojibake of a Western page every
such character belongs to a UTF-8 sequence that means something in Japanese (or is an emoji, a quotation
mark, a dash); in French, Turkish, Vietnamese or German text nearly none does, because letters with
accents are followed by plain letters. What a sequence proves depends on its later bytes: `é»` and `è…`
are good French, `ã‚` is nothing.

A file that is mojibake through and through needs less proof line by line than one line in a clean file.
A text that speaks about mojibake quotes it; it is left alone unless all of it is damaged.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from ingest.mojibake.lattice import penalty, readings
from ingest.mojibake.pages import SEQUENCE, WESTERN

__all__ = ["japanese_lines", "suspect", "western_spans"]

_WEAK = frozenset(
    "\x85\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9b\x9c\x9e\x9f\xa0\xa9\xaa\xab\xad\xae\xb0\xb2\xb3\xb4\xb9\xba\xbb"
)
"""Second bytes that may well follow an accented letter: closing quotes, dashes, letters, signs."""

_ENOUGH = 4.0
_CERTAIN = 8.0
_STRANGE = 20_000

_LEAD_AND_MORE = re.compile("[Â-ôğĞşŞ][\x80-¿ŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™\ufffd]")
_KUTEN = re.compile("[縺繧繝]")
_HIGH = re.compile(r"[^\x00-\x7f]+")
_JAPANESE = re.compile("[ぁ-ヿ一-鿿]")
_ABOUT = re.compile(
    r"文字化け|化け文字|文字コード|mojibake|encoding error"
    r"|cp125\d|windows-?125\d|latin-?1|iso-?8859|cp932|shift[-_]?jis",
    re.IGNORECASE,
)
# Bounded, so that a line of opening quotes without an end takes linear time.
_QUOTED = re.compile(
    r"`[^`\n]{0,200}`|「[^」\n]{0,200}」|『[^』\n]{0,200}』|\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'"
)


def suspect(text: str) -> bool:
    """A quick look: whether `text` has anything that could be mojibake (cheap; milliseconds for 1 MB)."""
    if text.isascii():
        return False
    return _LEAD_AND_MORE.search(text) is not None or sum(map(text.count, "縺繧繝")) > 1


@dataclass(kw_only=True, slots=True)
class _Cluster:
    start: int
    end: int
    line: int
    score: float = 0.0
    bad: int = 0
    sequences: int = 0
    taken: bool = False


def western_spans(text: str, mapped: str, lost: frozenset[int]) -> list[tuple[int, int]]:
    """The parts of `text` that a Western page made of UTF-8, as half-open ranges.

    Args:
        text: the whole text.
        mapped: the same, translated by `pages.WESTERN`.
        lost: the bytes that may be missing.
    """
    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    clusters = [_judge(m, mapped, lost, starts) for m in re.finditer("[\x80-\xff\ufffd]+", mapped)]
    damaged = [c for c in clusters if c.sequences]
    if not damaged:
        return []
    score = sum(c.score for c in damaged)
    bad = sum(c.bad for c in clusters)
    sequences = sum(c.sequences for c in damaged)
    foreign = len(_JAPANESE.findall(text))
    if score >= _CERTAIN and foreign == 0 and bad <= sequences // 50:
        return [(c.start, c.end) for c in damaged]
    if _ABOUT.search(text):
        return []
    _take(clusters)
    taken = (c for c in clusters if c.taken)
    return [(c.start, c.end) for c in _unquoted(taken, text, starts)]


def _judge(match: re.Match[str], mapped: str, lost: frozenset[int], starts: list[int]) -> _Cluster:
    cluster = _Cluster(start=match.start(), end=match.end(), line=bisect_right(starts, match.start()) - 1)
    at = cluster.start
    while at < cluster.end:
        found = SEQUENCE.match(mapped, at)
        if found is None:
            cluster.bad += 1
            at += 1
            continue
        seen = found.group()
        chars = readings(seen, lost)
        if not chars or (len(chars) == 1 and penalty(chars[0]) >= _STRANGE and ord(chars[0]) not in WESTERN):
            cluster.bad += len(seen)
        else:
            cluster.sequences += 1
            cluster.score += _proof(seen)
        at = found.end()
    return cluster


def _proof(seen: str) -> float:
    """How far a sequence is from anything that text of a Western language has."""
    lead, rest = seen[0], seen[1:]
    if lead < "\xe0":
        return 1.0 if rest and lead == "\xc3" else 0.5 if rest else 0.0
    if seen.startswith("\xe2\x80") or (lead >= "\xf0" and seen[1:2] == "\x9f"):
        return 4.0 if len(rest) > 1 else 2.0
    strong = sum(byte not in _WEAK for byte in rest)
    if len(rest) >= 2:
        return 4.0 if strong >= 2 else 3.0 if strong else 1.0
    return 1.0 if strong else 0.25 if rest else 0.0


def _take(clusters: list[_Cluster]) -> None:
    lines: dict[int, list[_Cluster]] = {}
    for cluster in clusters:
        lines.setdefault(cluster.line, []).append(cluster)
        cluster.taken = not cluster.bad and cluster.score >= _ENOUGH and cluster.sequences > 0
    sure: set[int] = set()
    for number, row in lines.items():
        if any(c.bad for c in row):
            continue
        score = sum(c.score for c in row)
        # Weak sequences are believed beside strong ones on the same line.
        if score >= _CERTAIN or (score >= _ENOUGH and any(c.taken for c in row)):
            sure.add(number)
            for c in row:
                c.taken = True
    for number, row in lines.items():
        if number in sure or any(c.bad for c in row):
            continue
        if (number - 1 in sure or number + 1 in sure) and any(c.score >= 1 for c in row):
            for c in row:
                c.taken = True


def _unquoted(clusters: Iterable[_Cluster], text: str, starts: list[int]) -> Iterable[_Cluster]:
    """The clusters that clean Japanese text on their line does not quote, as an explanation would."""
    for number, group in groupby(clusters, key=lambda cluster: cluster.line):
        begin = starts[number]
        end = starts[number + 1] if number + 1 < len(starts) else len(text)
        quotes: list[tuple[int, int]] = []
        if _JAPANESE.search(text, begin, end):
            quotes = [m.span() for m in _QUOTED.finditer(text, begin, end)]
        ends = [stop for _, stop in quotes]
        for cluster in group:
            next_ = bisect_right(ends, cluster.end - 1)
            if next_ == len(quotes) or quotes[next_][0] > cluster.start:
                yield cluster


def japanese_lines(lines: list[str]) -> list[int]:
    """The numbers of the lines that may be UTF-8 read as cp932.

    The lead bytes of kana, E3 81 to E3 83, come out as 縺, 繧 and 繝, which nobody writes; kanji come
    out as kanji of JIS level 2 and half-width katakana.
    """
    strange = [bool(_KUTEN.search(line)) and _share(line) >= 0.25 for line in lines]
    if not any(strange):
        return []
    text = "\n".join(line for line, odd in zip(lines, strange, strict=True) if not odd)
    japanese = [line for line in lines if _HIGH.search(line)]
    whole = sum(strange) * 2 >= len(japanese)
    if not whole and _ABOUT.search(text):
        return []
    return [
        i
        for i, (line, odd) in enumerate(zip(lines, strange, strict=True))
        if odd or (whole and _HIGH.search(line))
    ]


def _share(line: str) -> float:
    high = "".join(_HIGH.findall(line))
    odd = sum(_odd(char) for char in high)
    return odd / len(high)


def _odd(char: str) -> bool:
    if "｡" <= char <= "ﾟ" or char == "\N{REPLACEMENT CHARACTER}":
        return True
    raw = char.encode("cp932", "ignore")
    return len(raw) == 2 and 0xE2 <= raw[0] <= 0xEF
