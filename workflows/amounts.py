"""Amounts as cells of a table write them: 128k, 70億, 10.5 GB, 3 時間 30 分, 2024-03-11."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from terakoya.text.normalise import fold

Sort = Literal["number", "bytes", "time", "length", "mass", "share", "money", "day"]

_NUMBER: Final = r"\d[\d,]*(?:\.\d+)?"
_LARGE: Final = {"兆": 1e12, "億": 1e8, "万": 1e4, "千": 1e3}
_SCALES: Final = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_SECONDS: Final = {
    "ms": 1e-3,
    "ミリ秒": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "秒": 1.0,
    "min": 60.0,
    "分": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "時間": 3600.0,
    "日": 86400.0,
    "日間": 86400.0,
    "day": 86400.0,
    "週": 604800.0,
    "週間": 604800.0,
    "week": 604800.0,
    "か月": 2629800.0,
    "ヶ月": 2629800.0,
    "month": 2629800.0,
    "年": 31557600.0,
    "年間": 31557600.0,
    "year": 31557600.0,
}
_SIZES: Final[dict[str, tuple[Sort, float]]] = {
    "mm": ("length", 1e-3),
    "cm": ("length", 1e-2),
    "m": ("length", 1.0),
    "km": ("length", 1e3),
    "mg": ("mass", 1e-3),
    "g": ("mass", 1.0),
    "kg": ("mass", 1e3),
}
_DAY: Final = re.compile(
    r"(?P<year>(?:1\d|20)\d\d)\s*[年/.-]\s*(?P<month>1[0-2]|0?[1-9])(?:\s*[月/.-]\s*(?P<day>[12]\d|3[01]|0?[1-9]))?日?月?"
    r"|(?P<only>1[0-2]|0?[1-9])(?:月|/)(?P<of>[12]\d|3[01]|0?[1-9])日?"
    r"|(?P<alone>(?:1\d|20)\d\d)\s*年"
)
_ABOUT: Final = re.compile(r"^[\s約およそ~〜≈<>≦≧≤≥+±*_`]+")
_MONEY: Final = re.compile(
    rf"[$¥€£]\s*(?P<first>{_NUMBER})|(?P<number>{_NUMBER})\s*(?P<large>[兆億万千]?)\s*(?:円|ドル|yen|usd)"
)
_BYTES: Final = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<scale>[kmgt]?)i?b(?:ytes?)?(?![a-z])")
_LARGES: Final = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<scale>[兆億万千])")
_TIMES: Final = re.compile(
    rf"(?P<number>{_NUMBER})\s*(?P<unit>{'|'.join(sorted(_SECONDS, key=len, reverse=True))})s?(?![a-z])"
)
_SIZED: Final = re.compile(
    rf"(?P<number>{_NUMBER})(?:\s+(?P<apart>m|g)|\s*(?P<unit>mm|cm|km|mg|kg))(?![a-z/])"
)
_PLAIN: Final = re.compile(rf"(?P<number>{_NUMBER})(?P<scale>\s?[kmbt](?![a-z]))?(?P<share>\s*%)?")


@dataclass(frozen=True, slots=True)
class Amount:
    """What a cell says.

    Attributes:
        value: In bytes, seconds, days of no true calendar, or as it is counted; to be compared within one sort.
        sort: What it is an amount of.
    """

    value: float
    sort: Sort


def amount(cell: str) -> Amount | None:
    """The amount that a cell begins with; None where it begins with something else."""
    text = _ABOUT.sub("", fold(cell)).strip()
    if found := _DAY.match(text):
        return Amount(_days(found), "day")
    if found := _MONEY.match(text):
        value = _number(found["first"] or found["number"]) * _LARGE.get(found["large"] or "", 1.0)
        return Amount(value, "money")
    if not text[:1].isdigit():
        return None
    if large := _LARGES.match(text):
        parts = _LARGES.finditer(text[: large.end() + 12])
        return Amount(sum(_number(p["number"]) * _LARGE[p["scale"]] for p in parts), "number")
    if found := _TIMES.match(text):
        return Amount(sum(_number(p["number"]) * _SECONDS[p["unit"]] for p in _TIMES.finditer(text)), "time")
    # 7B counts, 7 GB is memory
    if (found := _BYTES.match(text)) and (found["scale"] or "byte" in found.group()):
        return Amount(_number(found["number"]) * _SCALES.get(found["scale"], 1.0), "bytes")
    if found := _SIZED.match(text):
        sort, size = _SIZES[found["unit"] or found["apart"]]
        return Amount(_number(found["number"]) * size, sort)
    plain = _PLAIN.match(text)
    if plain is None:
        return None
    return Amount(
        _number(plain["number"]) * _SCALES.get((plain["scale"] or "").strip(), 1.0),
        "share" if plain["share"] else "number",
    )


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _days(found: re.Match[str]) -> float:
    year = int(found["year"] or found["alone"] or 0)
    return (
        year * 372.0 + int(found["month"] or found["only"] or 1) * 31 + int(found["day"] or found["of"] or 1)
    )
