"""Readings over words (ruby): the word stays whole, its reading stands behind it or at the end of the block."""

import re
from collections.abc import Callable
from typing import Final

_OPEN: Final = "\x03"
_READING: Final = "\x04"
_CLOSE: Final = "\x05"
_RUN: Final = re.compile("(?:\x03[^\x03-\x05]*(?:\x04[^\x03-\x05]*)?\x05)+")
_PART: Final = re.compile("\x03([^\x03-\x05]*)\x04?([^\x03-\x05]*)\x05")
_MARKS: Final = re.compile("[\x03-\x05]")
_LETTER: Final = re.compile("\x02?[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaffA-Za-z々〆]")
_MOST: Final = 6
"""Readings that are written behind one block; a text that has them over every word is read without."""


class Ruby:
    """Follows the tags of one word with its reading, and keeps the parts apart by marks."""

    def __init__(self) -> None:
        self.is_bracket = False
        """What comes is a bracket around a reading, for browsers that know none."""
        self._part = ""

    def tag(self, name: str, *, closing: bool) -> str:
        """What a tag of any name puts between the text before it and behind it."""
        self.is_bracket = name == "rp" and not closing
        end = _CLOSE if self._part else ""
        match name, closing:
            case "ruby" | "rb", False:
                self._part = _OPEN
                return end + _OPEN
            case "rt", False:
                opened = "" if self._part == _OPEN else end + _OPEN
                self._part = _READING
                return opened + _READING
            case "rt", True if self._part == _READING:
                self._part = _OPEN  # another word may follow
                return end + _OPEN
            case "ruby", True:
                self._part = ""
                return end
        return ""


def in_ruby(word: str, reading: str) -> str:
    """A word with its reading, for `with_readings`."""
    return f"{_OPEN}{word}{_READING}{reading}{_CLOSE}"


def with_readings(text: str, tidy: Callable[[str], str]) -> str:
    """`text` with its marks resolved; words side by side count as one.

    A reading right behind its word would part 食(た)べる and 量子(りょうし)力学 from what they are. So it
    stands there only where the word is surely over; the others come at the end, with their words.

    Args:
        text: A block, without the control characters but for the three.
        tidy: Makes one line of a word or a reading.
    """
    if _OPEN not in text:
        return text
    apart: list[str] = []

    def resolved(run: re.Match[str]) -> str:
        parts = [(tidy(word), tidy(reading)) for word, reading in _PART.findall(run[0])]
        word, reading = ("".join(column) for column in zip(*parts, strict=True))
        if not reading or not word or reading == word:
            return word or reading
        if not _LETTER.match(text, run.end()):
            return f"{word}({reading})"
        apart.append(f"{word}: {reading}")
        return word

    shown = _MARKS.sub("", _RUN.sub(resolved, text))
    kept = list(dict.fromkeys(apart))
    return f"{shown} ({', '.join(kept)})" if 0 < len(kept) <= _MOST else shown
