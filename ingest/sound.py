"""Whether a katakana word is a Latin word as Japanese says it: キャッシュ and cache.

Both are reduced to their consonants, in the few classes that katakana tells apart, and compared by edit
distance. Vowels are left out: Japanese adds them, and English spells them in many ways.
"""

import re
from typing import Final

from terakoya.text.normalise import fold

KATAKANA: Final = re.compile(r"[ァ-ヺー]+")
_ROWS: Final = {
    "K": "カキクケコガギグゲゴ",
    "S": "サシスセソザズゼゾ",
    "C": "チツジヂヅ",
    "T": "タテトダデド",
    "N": "ナニヌネノンマミムメモ",
    "P": "パピプペポバビブベボフヴ",
    "R": "ラリルレロ",
}
_CLASS: Final = {kana: row for row, kanas in _ROWS.items() for kana in kanas}
# Spellings before letters; `C` is any of K, S and T, as in chance, chorus, machine and gym.
_SPELLINGS: Final = (
    ("tion", "SN"),
    ("sion", "SN"),
    ("sch", "S"),
    ("sh", "S"),
    ("ch", "C"),
    ("ck", "K"),
    ("ph", "P"),
    ("th", "S"),
    ("gh", ""),
    ("kn", "N"),
    ("wr", "R"),
    ("qu", "K"),
    ("ge", "C"),
    ("gi", "C"),
    ("gy", "C"),
    ("ce", "S"),
    ("ci", "S"),
    ("cy", "S"),
    ("ti", "C"),
    ("tu", "C"),
    ("di", "C"),
    ("du", "C"),
)
_LETTERS: Final = {
    **dict.fromkeys("bpfv", "P"),
    **dict.fromkeys("ckgq", "K"),
    **dict.fromkeys("sz", "S"),
    **dict.fromkeys("td", "T"),
    **dict.fromkeys("nm", "N"),
    **dict.fromkeys("lr", "R"),
    "j": "C",
    "x": "KS",
}
_MUTE_R: Final = re.compile(r"(?<=[aeiou])r(?![aeiou])")
_ALIKE: Final = 0.25
"""Of the longer one's consonants, what may differ."""


def sounds_like(katakana: str, latin: str) -> bool:
    """Whether `katakana` is `latin` as Japanese says it."""
    ours, theirs = _of_katakana(katakana), _of_latin(latin)
    longest = max(len(ours), len(theirs))
    return longest >= 2 and bool(ours) and _distance(ours, theirs) <= _ALIKE * longest


def heard_in(katakana: str, phrase: str) -> bool:
    """Whether some words of `phrase`, one behind the other, sound like `katakana`."""
    words = re.findall(r"[A-Za-zÀ-ɏ]+", phrase)
    return any(
        sounds_like(katakana, "".join(words[first:stop]))
        for first in range(len(words))
        for stop in range(first + 1, min(len(words), first + 4) + 1)
    )


def _of_katakana(word: str) -> str:
    # a T before a small i or yu keeps its sound: ティ, デュ
    return _squeezed("".join(_CLASS.get(kana, "") for kana in word))


def _of_latin(word: str) -> str:
    rest = _MUTE_R.sub("", fold(word))
    sounds: list[str] = []
    at = 0
    while at < len(rest):
        for spelling, sound in _SPELLINGS:
            if rest.startswith(spelling, at):
                sounds.append(sound)
                at += len(spelling)
                break
        else:
            sounds.append(_LETTERS.get(rest[at], ""))
            at += 1
    return _squeezed("".join(sounds))


def _squeezed(sounds: str) -> str:
    return re.sub(r"(.)\1+", r"\1", sounds)


def _same(one: str, other: str) -> bool:
    return one == other or (one == "C" and other in "KST") or (other == "C" and one in "KST")


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (not _same(a, b))))
    return row[-1]
