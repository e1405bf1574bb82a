"""Raised and lowered characters, which plain text would run together with what they stand at."""

import re
from typing import Final

_ABOVE: Final = str.maketrans("0123456789+-\u2212=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_BELOW: Final = str.maketrans("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SIGNS: Final = re.compile("[0-9+\\-\u2212=()]+")
_RAISED: Final = re.compile("[0-9+\\-\u2212=()ni]+")
_INDEX: Final = re.compile(r"[A-Za-z0-9α-ωΑ-Ω,+*'′-]{1,6}")
_NOTE: Final = re.compile(r"\[?(\d{1,4}|[*†‡])\]?")
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "o", "a", "tm", "sm", "r", "c"})


def raised(text: str, *, is_note: bool = False) -> str:
    """A superscript: x², 10⁻³, 2^k, and what it is in ordinals. `is_note`: it leads to a note, [^1]."""
    shown = text.strip()
    note = _NOTE.fullmatch(shown)
    if is_note and note:
        return f"[^{note[1]}]"
    if _RAISED.fullmatch(shown):
        return shown.translate(_ABOVE)
    return f"^{shown}" if _INDEX.fullmatch(shown) and shown.lower() not in _ORDINALS else text


def lowered(text: str) -> str:
    """A subscript: H₂O, a_i."""
    shown = text.strip()
    if _SIGNS.fullmatch(shown):
        return shown.translate(_BELOW)
    return f"_{shown}" if _INDEX.fullmatch(shown) else text
