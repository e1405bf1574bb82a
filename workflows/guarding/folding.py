"""Text as the rules read it: what hides a word from them is undone, and every character knows where it came from."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U000e0000-\U000e0fff]"
)
"""Characters without width, direction marks, variation selectors and tags: nothing that a reader sees."""

# Letters of other scripts that look like Latin ones, after Unicode's confusables (UTS #39): the common ones.
_CYRILLIC: Final = dict(
    zip("асԁеһіјӏорԛѕԝхуԍкмтвнгпзьАВСЕНІЈКМОРЅТХУ", "acdehijlopqswxygkmtbhrn3bABCEHIJKMOPSTXY", strict=True)
)
_GREEK: Final = dict(zip("αβγειικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abyeiikvoptuxwABEZHIKMNOPTYX", strict=True))
_OTHER: Final = dict(zip("ıɡɑɩʟᴀᴄᴅᴇᴊᴋᴍɴᴏᴘʀѕᴛᴜᴠᴡʏᴢ", "igailacdejkmnoprstuvwyz", strict=True))
_LOOKALIKES: Final = {**_CYRILLIC, **_GREEK, **_OTHER, "’": "'", "‘": "'", "‐": "-", "‑": "-", "–": "-"}
_DIGITS: Final = str.maketrans("0134578$", "oieastbs")

_MIXED: Final = re.compile(r"(?<![a-z0-9@$])[a-z0134578$]{4,40}(?![a-z0-9@$])")
_SPACED: Final = re.compile(r"(?<![a-z])(?:[a-z][ .*_-]{1,2}){5,400}[a-z](?![a-z])")
_APART: Final = re.compile(r"(?<=[\u3041-\u30ff\u3400-\u9fff])[ \u3000]+(?=[\u3041-\u30ff\u3400-\u9fff])")
LONGEST_BLANK: Final = 40
"""White space in a row that is left: patterns that go over any of it look at so much from one place."""
_BLANK: Final = re.compile(rf"(?<=\s{{{LONGEST_BLANK}}})\s+")
_WRAPPED: Final = re.compile(r"(?<=[a-z,;])\n(?=[a-z])")
_WRAPPED_JA: Final = re.compile(r"(?<=[\u3041-\u30ff\u3400-\u9fff、,])\n(?=[\u3041-\u30ff\u3400-\u9fff])")
_VOICED: Final = {"\u3099", "\u309a"}


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as the rules read it.

    Attributes:
        text: NFKC, in lower case, without hidden characters, with letters that only look Latin made Latin, digits
            that stand for letters made letters, words whose letters were set apart put together, and long white space cut.
        starts: For each of its characters, and for its end, where that begins in the source.
    """

    text: str
    starts: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that `text[start:end]` was made of."""
        return self.starts[start], self.starts[end - 1] + 1 if end > start else self.starts[start]


def folded(text: str) -> Folded:
    """`text` as the rules read it; takes time in proportion to its length."""
    if text.isascii():
        made, starts = text.lower(), list(range(len(text) + 1))
    else:
        made, starts = _character_by_character(text)
    made, starts = _joined(made, starts, _BLANK, _last_break)
    made = _MIXED.sub(_with_letters, made)
    made, starts = _joined(made, starts, _APART, _nothing)
    made, starts = _joined(made, starts, _SPACED, _put_together)
    return Folded(made, starts)


def unwrapped(read: Folded) -> Folded:
    """The same with lines put together that look like one sentence, which an order may be spread over."""
    text, starts = _joined(read.text, list(read.starts), _WRAPPED_JA, _nothing)
    return Folded(_WRAPPED.sub(" ", text), starts)


def _character_by_character(text: str) -> tuple[str, list[int]]:
    made: list[str] = []
    starts: list[int] = []
    for at, char in enumerate(text):
        new = _folded_character(char)
        if new in _VOICED and made:  # half-width ｶﾞ is two characters
            made[-1] = unicodedata.normalize("NFC", made[-1] + new)[:1]
            continue
        made.extend(new)
        starts.extend([at] * len(new))
    return "".join(made), [*starts, len(text)]


@lru_cache(maxsize=8192)
def _folded_character(char: str) -> str:
    if HIDDEN.match(char) or "\u0300" <= char <= "\u036f":
        return ""
    parts = unicodedata.normalize("NFKC", _LOOKALIKES.get(char, char))
    if "\u00c0" <= char <= "\u024f" or "\u1e00" <= char <= "\u1eff":  # Latin letters lose their accents
        parts = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return "".join(_LOOKALIKES.get(c, c) for c in parts).lower()


def _with_letters(word: re.Match[str]) -> str:
    letters = sum("a" <= c <= "z" for c in word[0])
    return word[0].translate(_DIGITS) if 2 * letters >= len(word[0]) else word[0]


def _nothing(found: str) -> list[tuple[int, str]]:
    return []


def _last_break(found: str) -> list[tuple[int, str]]:
    """What stays of long white space: that a line ends in it."""
    at = found.rfind("\n")
    return [(at, "\n")] if at >= 0 else []


def _put_together(found: str) -> list[tuple[int, str]]:
    """The letters of words set apart; two separators in a row stood between words."""
    kept: list[tuple[int, str]] = []
    for at, char in enumerate(found):
        if "a" <= char <= "z":
            kept.append((at, char))
        elif not "a" <= found[at - 1] <= "z":
            kept.append((at, " "))
    return kept


def _joined(
    text: str, starts: list[int], pattern: re.Pattern[str], keep: Callable[[str], list[tuple[int, str]]]
) -> tuple[str, list[int]]:
    made: list[str] = []
    new: list[int] = []
    done = 0
    for found in pattern.finditer(text):
        made.append(text[done : found.start()])
        new += starts[done : found.start()]
        for at, char in keep(found[0]):
            made.append(char)
            new.append(starts[found.start() + at])
        done = found.end()
    return "".join([*made, text[done:]]), [*new, *starts[done:]]
