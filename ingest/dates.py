"""Dates as people write them at the head of a line, in Japanese and English, and the years they name.

Written by hand: general parsers (dateutil, dateparser) take `3/4 of` and `1.2.3` for dates, know no eras, and say
neither where a date ends nor what it leaves open.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final

_ERAS: Final = {
    "明治": (date(1868, 1, 25), date(1912, 7, 30)),
    "大正": (date(1912, 7, 30), date(1926, 12, 25)),
    "昭和": (date(1926, 12, 25), date(1989, 1, 7)),
    "平成": (date(1989, 1, 8), date(2019, 4, 30)),
    "令和": (date(2019, 5, 1), date.max),
}
"""First and last day of each era; the day on which one became the next belongs to both."""
# Of the letters only these two: `S3.2.1`, `T4/1/2` and `M1.1.1` are more often something else.
_LETTERS: Final = {"R": "令和", "H": "平成"}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EVEN: Final = str.maketrans("０１２３４５６７８９／．－−（）［］：，　", "0123456789/.--()[]:, ")
_REACH: Final = 120
"""Characters of a line that are looked at."""

_NAME: Final = (
    r"(?-i:(?=[A-Z]))(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WEEKDAY: Final = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?"
_LEAD: Final = re.compile(
    r"[\s\[(<【「『〈《■□◆◇●○▼▽▲△★☆※◎・*_\"'“”\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]*"
    r"(?:(?:date|日付|日時|日にち|学習日|勉強日|実施日)\s*:?\s*"
    r"|(?:(?:day|week|lesson|lecture|session|part)\s*\d+|第\s*\d+\s*[回講日週章]|\d+\s*日目)(?!\d)[\s:(\[–—-]*)?"
    rf"(?:{_WEEKDAY}(?:,\s*|\s+))?",
    re.IGNORECASE,
)
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_MONTH: Final = r"(?P<month>\d{1,2})"
_DAY: Final = r"(?P<day>\d{1,2})"
_ERA: Final = rf"(?P<era>{'|'.join(_ERAS)})\s*(?P<count>元|\d{{1,2}})"
_NO_MORE: Final = r"(?!\d|[./]\d)"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:(?P<year>[1-9]\d{{3}})|{_ERA})\s*年\s*{_MONTH}\s*月\s*{_DAY}\s*日",
        rf"{_YEAR}(?P<mark>[-/.]){_MONTH}(?P=mark){_DAY}(?!\d|(?P=mark)\d|[./]\d)",
        rf"(?:{_ERA}|(?-i:(?P<letter>[{''.join(_LETTERS)}]))(?P<small>\d{{1,2}}))(?P<mark>[-/.]){_MONTH}(?P=mark){_DAY}"
        rf"(?!\d|(?P=mark)\d|[./]\d)",
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)(?![^\W_])",
        rf"{_NAME}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|\s+){_YEAR}(?!\d)",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_NAME},?\s+{_YEAR}(?!\d)",
        rf"(?P<day>\d{{1,2}})-{_NAME}-{_YEAR}(?!\d)",
        rf"(?P<first>\d\d?)(?P<mark>[-/.])(?P<second>\d\d?)(?P=mark){_YEAR}(?!\d)",
        rf"(?:(?P<year>[1-9]\d{{3}})|{_ERA})\s*年\s*{_MONTH}\s*月(?:度|分)?(?!\s*\d)",
        rf"{_YEAR}[-/]{_MONTH}(?![\d/.-])",
        rf"{_NAME}\s+{_YEAR}(?!\d)",
        rf"{_NAME}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\w%]|[:.,/]\d)",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_NAME}(?!\w)",
        rf"{_MONTH}\s*月\s*{_DAY}\s*日(?!間)",
        rf"{_MONTH}(?P<slash>/){_DAY}{_NO_MORE}",
        rf"{_MONTH}月(?=$|[\s:)\]】」』、,]|の|度|分)",
        rf"{_DAY}日(?=$|[\s:()\]】」』、,])",
    )
)
_AFTER: Final = re.compile(
    r"(?P<weekday>\s*[(\[【<]?\s*(?:[月火水木金土日]曜日?|(?<=[(\[【<])\s*[月火水木金土日]|[月火水木金土日](?=$|[\s、,)\]])"
    rf"|{_WEEKDAY})(?:\s*[・,/]?\s*[祝休]日?)?\s*[)\]】>]?)?"
    r"(?:[T\s]\s*\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[ap]m\b)?(?:\s*[-~〜～–]\s*\d{1,2}:\d\d)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\s*\d{1,2}時(?:\d{1,2}分|半)?)?"
    r"(?P<range>\s*[-~〜～–—]\s*\d[\d年月日/.-]*(?:\s*\([月火水木金土日]\))?)?",
    re.IGNORECASE,
)
_CLOSERS: Final = re.compile(r"[\s\])>】」』〉》:.。、,*_\"'”|-]*")
# What follows a share, a score or a measure, and no date.
_COUNTED: Final = re.compile(
    r"[\w%=×*+^]|[-:]\d(?!\d?/\d)|\s*[=×*+÷<>≤≥≈≒^]"
    r"|\s*(?:of|an?|cups?|tsp|tbsp|(?:tea|table)spoons?|inch(?:es)?|feet|foot|ft|miles?|hours?|hrs?|minutes?|mins?"
    r"|pages?|points?|pts?|lbs?|oz|pounds?|ounces?|kg|g|ml|l|cm|mm|km|m|correct|chance|probability|scale|times?|turns?"
    r"|per|percent|x)\b"
    r"|\s*(?:の(?:確率|割合|人|量|サイズ|比|長さ|高さ|速度|値|面積|体積|補数)|[点問人](?=$|[\s、。)正中のがに])|倍|ページ|頁|杯"
    r"|カップ|程度|以上|以下|ずつ|くらい|ぐらい|拍子|インチ|オクターブ|正解|%)",
    re.ASCII | re.IGNORECASE,
)
_NAMED: Final = re.compile(
    rf"(?:(?<!\d)(?P<kanji>[1-9]\d{{3}})|{_ERA})\s*年(?P<fiscal>度)?(?![間前後代来生]|ぶり|以上|以内|目)"
    r"|\bFY\s?(?P<fy>(?:19|20)\d\d)(?!\d)"
    r"|(?:(?<![^\s(\[【「『])(?P<bare>(?:19|20)\d\d)(?![\w.:/%-]))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Day:
    """A date as it was written; None for what it leaves open.

    Attributes:
        year: Of the Gregorian calendar.
        month: 1 to 12; None in `3日`.
        day: 1 to 31; None in `2024年5月`.
        alone: Nothing else stands in the line but a weekday or a time.
        sure: It can be nothing but a date. `1/2` may be a half.
    """

    year: int | None
    month: int | None
    day: int | None
    alone: bool = False
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Year:
    """A year that a text names; a `fiscal` one (年度) begins in April."""

    number: int
    fiscal: bool = False

    def of(self, month: int) -> int:
        """The calendar year of a month in it."""
        return self.number + (self.fiscal and month < 4)


def day_at_head(text: str) -> Day | None:
    """The date that `text` begins with, None where it begins with none.

    Marks, a label (`Date:`, `Day 3`, `第3回`) and an English weekday may stand before it. Of `01/05/2024`, where day
    and month cannot be told apart, it makes nothing, and nothing of a day that the calendar does not have.

    Args:
        text: One line, without Markdown.
    """
    line = text[:_REACH].translate(_EVEN)
    lead = _LEAD.match(line)
    begin = lead.end() if lead else 0
    for form in _FORMS:
        if found := form.match(line, begin):
            return _day(found, line)
    return None


def year_named(text: str) -> Year | None:
    """The one year that a heading names: `2024年`, `令和6年度`, `FY2024`, or `2024` before or behind its words."""
    line = text[:_REACH].translate(_EVEN).strip()
    years = set()
    for found in _NAMED.finditer(line):
        if found["bare"]:
            inside = line[: found.start()].strip(" ([【") and line[found.end() :].strip(" )]】")
            if not inside:
                years.add(Year(int(found["bare"])))
        elif found["fy"]:
            years.add(Year(int(found["fy"]), fiscal=True))
        elif number := _year(found["kanji"] or "", found["era"] or "", found["count"] or ""):
            years.add(Year(number, fiscal=bool(found["fiscal"])))
    return years.pop() if len(years) == 1 else None


def _day(found: re.Match[str], line: str) -> Day | None:
    parts = {name: part for name, part in found.groupdict().items() if part}
    era = parts.get("era") or _LETTERS.get(parts.get("letter", ""), "")
    year = _year(parts.get("year", ""), era, parts.get("count") or parts.get("small", ""))
    if "name" in parts:
        month: int | None = _MONTHS.index(parts["name"][:3].lower()) + 1
    else:
        month = int(parts["month"]) if "month" in parts else None
    day = int(parts["day"]) if "day" in parts else None
    if "first" in parts:
        month, day = sorted((int(parts["first"]), int(parts["second"])))
        if day <= 12 and day != month:
            return None  # 01/05/2024
    if (era and not year) or not _exists(year, month, day, era):
        return None
    after = _AFTER.match(line, found.end())
    rest = after.end() if after else found.end()
    sure = True
    if "slash" in parts and not (after and after["weekday"]):
        if not (after and after["range"]) and _COUNTED.match(line, found.end()):
            return None
        padded = parts["month"][0] == "0" or parts["day"][0] == "0"
        sure = padded or int(parts["month"]) > int(parts["day"]) or int(parts["day"]) > 10
    closers = _CLOSERS.match(line, rest)
    return Day(year, month, day, alone=closers is not None and closers.end() == len(line), sure=sure)


def _year(number: str, era: str, count: str) -> int | None:
    if number:
        return int(number)
    if not era or not count:
        return None
    passed = 1 if count == "元" else int(count)
    first, last = _ERAS[era]
    year = first.year + passed - 1
    return year if passed and year <= last.year else None


def _exists(year: int | None, month: int | None, day: int | None, era: str) -> bool:
    if month is not None and not 1 <= month <= 12:
        return False
    if day is not None and not 1 <= day <= (monthrange(year or 2000, month)[1] if month else 31):
        return False
    if era and year and month:
        first, last = _ERAS[era]
        return (
            first <= date(year, month, day or monthrange(year, month)[1])
            and date(year, month, day or 1) <= last
        )
    return True
