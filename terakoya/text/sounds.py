"""Whether a katakana word writes down how an English word sounds: チャンク and chunk, スループット and throughput.

Notes have many terms in English that their reader says, and asks for, in katakana. No dictionary has all of them, and
none is needed: consonants have to be the same, in order, and the vowels between them such as one writes for the other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

_KATAKANA: Final = re.compile(r"[ァ-ヴー]{3,24}")
_ENGLISH: Final = re.compile(r"[A-Za-z]{3,24}")
_READ: Final = 16384
_MOST_READINGS: Final = 32
_FEWEST: Final = 3
"""Consonants of a word: shorter ones sound alike too often (ハッシュ is hash, but no house)."""

_ROWS: Final = {
    "k": "カキクケコ", "g": "ガギグゲゴ", "s": "サ.スセソ", "z": "ザ.ズゼゾ", "t": "タ...ト", "d": "ダヂヅデド",
    "n": "ナニヌネノ", "f": "ハヒフヘホ", "b": "バビブベボ", "p": "パピプペポ", "m": "マミムメモ", "r": "ラリルレロ",
    "": "アイウエオ",
}  # fmt: skip
_MORAS: Final = {
    **{mora: (row, vowel) for row, moras in _ROWS.items() for mora, vowel in zip(moras, "aiueo", strict=True)},
    "シ": ("S", "i"), "ジ": ("j", "i"), "チ": ("C", "i"), "ツ": ("ts", "u"), "テ": ("t", "e"), "ヴ": ("b", "u"),
    "ヤ": ("", "a"), "ユ": ("", "u"), "ヨ": ("", "o"), "ワ": ("w", "a"), "ヲ": ("", "o"), "ン": ("n", ""),
}  # fmt: skip
_SMALL: Final = {"ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o", "ャ": "a", "ュ": "u", "ョ": "o"}
_UNVOICED: Final = str.maketrans("zS", "ss")
"""ザ and サ, シ and ス are written for the same letters."""

_SPELLED: Final[Sequence[tuple[str, tuple[str, ...]]]] = (
    (r"ssion|[ts]ion|cian", ("son", "jon", "Con")),
    (r"[ct]ia|cio", ("s",)),
    (r"tch", ("C",)),
    (r"dge?(?=[iey]|$|m)", ("j", "d")),
    (r"sch", ("sk", "s")),
    (r"ch", ("C", "k", "s")),
    (r"sh|th|ss", ("s",)),
    (r"ph|ff", ("f",)),
    (r"igh", ("",)),
    (r"gh|(?<![a-z])[kgp](?=n)|(?<![a-z])w(?=r)|(?<![a-z])p(?=s)", ("",)),
    (r"qu", ("k", "ku")),
    (r"ck|cc(?![iey])|q", ("k",)),
    (r"cc", ("ks",)),
    (r"c(?=[iey])", ("s",)),
    (r"c|k+", ("k",)),
    (r"x", ("ks", "gs")),
    (r"g(?=n[^aeiouy]|n$)", ("",)),
    (r"gg|gu(?=[aeiou])", ("g",)),
    (r"g(?=[iey])", ("j", "g")),
    (r"g", ("g",)),
    (r"j", ("j",)),
    (r"z+|s(?=[iyu])", ("s", "j")),
    (r"s", ("s",)),
    (r"t+(?=u)", ("t", "C", "ts")),
    (r"t(?=r|oo)", ("t", "ts")),
    (r"d+(?=u)", ("d", "j")),
    (r"tt?", ("t",)),
    (r"dd?", ("d",)),
    (r"b(?=t)|(?<=m)b(?=s?$)|(?<=m)n$", ("",)),
    (r"bb?|vv?", ("b",)),
    (r"pp?", ("p",)),
    (r"mm?(?=[bp])|nn?", ("n",)),
    (r"mm?", ("m",)),
    (r"rr?(?=[aeiouy](?!s?$))|rr?(?=[aiouy])|(?<![aeiouy])r", ("r",)),
    (r"rr?", ("", "r")),
    (r"ll?", ("r",)),
    (r"wh|w(?=[aeiou])", ("w",)),
    (r"h(?=[aeiouy])|f", ("f",)),
    (r"h|w", ("",)),
)
"""What letters sound like, the longest first; several where that is not told by them alone."""
_LETTERS: Final = re.compile(
    "|".join(f"(?P<l{n}>{pattern})" for n, (pattern, _) in enumerate(_SPELLED)) + "|(?P<v>[aeiouy]+)"
)
_SILENT: Final = re.compile("[^aeiouyrw]")
_HEARD: Final = {
    "a": re.compile(r"a(?!i|y|u|w)|u|[eio]u?r|ou|ow"),
    "i": re.compile(r"i|e|y|ui"),
    "u": re.compile(r"u|oo|ou|ew|eu|ow$|e$"),
    "e": re.compile(r"e|ai"),
    "o": re.compile(r"o|au|aw"),
}
"""How vowels that are heard as each Japanese one are spelled."""
_LONG: Final = {
    "a": re.compile(r"[aeiou]r|a"),
    "i": re.compile(r"e|i|y"),
    "u": re.compile(r"u|oo|ou|ew|eu|o$"),
    "e": re.compile(r"a(?!r|u|w)|e(?![aeor])"),
    "o": re.compile(r"o|a(?:u|w|$)|ar"),
}
"""The same of long ones."""
_MAGIC: Final = {"a": "e", "i": "ai", "o": "o", "u": "u", "e": "i"}
"""What a vowel sounds like in a word of one syllable that ends in a silent e: base, slide."""


@dataclass(frozen=True, slots=True)
class Sound:
    """How a word sounds.

    Attributes:
        consonants: In order, of few kinds.
        vowels: Before the first of them, between each two, and behind the last.
    """

    consonants: str
    vowels: tuple[str, ...]


@lru_cache(maxsize=_READ)
def of_katakana(word: str) -> Sound:
    """How a word in katakana sounds."""
    consonants, vowels = "", [""]
    for at, letter in enumerate(word):
        if letter in _SMALL:
            # ファ, シャ: the small letter's vowel; シ and チ stay what they are, ウ before it is a w
            if word[at - 1 : at] == "ウ" and vowels[-1].endswith("u"):
                vowels[-1] = vowels[-1][:-1]
                consonants, vowels = consonants + "w", [*vowels, ""]
            vowels[-1] = vowels[-1][:-1] + _SMALL[letter] if vowels[-1] else _SMALL[letter]
        elif letter == "ー":
            vowels[-1] += "-"
        elif letter in _MORAS:
            row, vowel = _MORAS[letter]
            for consonant in row:
                consonants, vowels = consonants + consonant, [*vowels, ""]
            vowels[-1] += vowel
    return Sound(consonants.translate(_UNVOICED), tuple(vowels))


@lru_cache(maxsize=_READ)
def of_english(word: str) -> tuple[Sound, ...]:
    """The ways in which an English word may sound."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for letters in _LETTERS.finditer(word.lower()):
        group = letters.lastgroup or "v"
        spoken = ("",) if group == "v" else _SPELLED[int(group[1:])][1]
        found.append((_SILENT.sub("", letters.group()) if "" in spoken else "", spoken))
    sounds = (_joined([v for v, _ in found], way) for way in _ways([spoken for _, spoken in found]))
    return tuple(dict.fromkeys(sounds))


class Sounds:
    """How the words of a text sound that another language may write down."""

    def __init__(self, text: str) -> None:
        self._katakana = _by_consonants(of_katakana(word) for word in set(_KATAKANA.findall(text)))
        self._english = _by_consonants(
            sound for word in set(_ENGLISH.findall(text)) for sound in of_english(word)
        )

    def hold(self, word: str) -> bool:
        """Whether one of them, in the other writing, sounds like `word`."""
        if self._english and _KATAKANA.fullmatch(word):
            heard = of_katakana(word)
            return any(alike(heard, english) for english in self._english.get(heard.consonants, ()))
        if self._katakana and _ENGLISH.fullmatch(word):
            ways = of_english(word)
            return any(alike(heard, way) for way in ways for heard in self._katakana.get(way.consonants, ()))
        return False


def _by_consonants(sounds: Iterable[Sound]) -> Mapping[str, Sequence[Sound]]:
    found: dict[str, list[Sound]] = {}
    for sound in sounds:
        found.setdefault(sound.consonants, []).append(sound)
    return found


def _ways(spoken: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for count, way in enumerate(product(*spoken)):
        if count == _MOST_READINGS:
            return
        yield way


def _joined(vowels: Sequence[str], way: Sequence[str]) -> Sound:
    consonants, between = "", [""]
    for written, heard in zip(vowels, way, strict=True):
        for letter in heard:
            if letter in "ou":
                between[-1] += letter
            else:
                consonants, between = consonants + letter, [*between, ""]
        if not heard:
            between[-1] += written
    return Sound(consonants, tuple(between))


def alike(japanese: Sound, english: Sound) -> bool:
    """Whether one is how Japanese writes the other."""
    if japanese.consonants != english.consonants or len(japanese.consonants) < _FEWEST:
        return False
    if bool(japanese.vowels[0]) != bool(english.vowels[0]):
        return False
    *before, last = english.vowels
    spoken = [n for n, written in enumerate(before) if written]
    if last == "e" and spoken == [len(before) - 1] and (long := _MAGIC.get(before[spoken[0]])):
        return _even(japanese.vowels[spoken[0]]).startswith(long) and _fills(japanese, {spoken[0]})
    ways = zip(japanese.vowels, english.vowels, " " + japanese.consonants, strict=True)
    return all(
        _vowels(heard, written, behind, last=n == len(before))
        for n, (heard, written, behind) in enumerate(ways)
    )


def _even(heard: str) -> str:
    return heard.replace("-", "")


def _fills(japanese: Sound, spoken: set[int]) -> bool:
    behind = " " + japanese.consonants
    return all(_filled(v, behind[n]) for n, v in enumerate(japanese.vowels) if n not in spoken)


def _filled(heard: str, behind: str) -> bool:
    """Whether it is only what Japanese puts behind a consonant that has no vowel in English."""
    return heard in ("", "u") or (heard == "o" and behind in "td") or (heard == "i" and behind in "jCks")


def _vowels(heard: str, written: str, behind: str, *, last: bool) -> bool:
    if not written:
        return _filled(heard, behind)
    if last and written in ("e", "ue") and _filled(heard, behind):
        return True
    if not heard:
        return written in ("e", "o", "io") and behind != " "
    if heard.startswith("ai"):
        return written[0] in "iy" or "igh" in written or written == "ai"
    if heard.startswith("au"):
        return written.startswith(("ou", "ow", "au"))
    long = len(heard) > 1 and (heard[1] == "-" or heard[:2] in ("ei", "ou"))
    return (_LONG if long else _HEARD)[heard[0]].match(written) is not None
