"""The days that a question names, in Japanese and English: 先週, 5月の第2週, in the week of July 7.

Weeks run from Monday to Sunday. The first week of a month is the one that its first day lies in, cut at the month's
ends. A month or day without a year is the latest one that has begun; `Period.yearly` says that the year was not named.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from terakoya.text.normalise import fold

_ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925}
_KANJI: Final = str.maketrans("一二三四五六七八九", "123456789")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS_JA: Final = "月火水木金土日"
_DAYS_EN: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COUNTS: Final = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10, "couple of": 2,
}  # fmt: skip
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": 0}

_YEAR: Final = r"(?:(?P<year>(?:19|20)\d\d)年?|(?P<era>令和|平成|昭和)(?P<count>元|\d{1,2})年)"
_NAME: Final = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_NUMBER_EN: Final = r"(?P<many>\d{1,3}|a|one|two|three|four|five|six|seven|ten|(?:a )?couple of)"
_UNIT_EN: Final = r"(?P<unit>day|week|month|year)s?"
_NUMBER_JA: Final = r"(?<!\d)(?P<many>\d{1,3}|[一二三四五六七八九十])"
_UNIT_JA: Final = r"(?P<unit>日|週間|週|(?:か|ヶ|ケ|カ|箇|ヵ)月|年)間?"
_EN_YEAR: Final = r"(?:,?\s*(?:of\s+)?(?P<year>(?:19|20)\d\d)(?!\d))?"
_DAY_JA: Final = rf"(?:{_YEAR}の?\s*)?(?P<month>\d{{1,2}})月\s*(?P<day>\d{{1,2}})日"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days that a question names.

    Attributes:
        since: The first day.
        until: The last day.
        yearly: No year was named, so that the same days of an earlier year may be meant.
        start: Where its words begin in the folded question.
        end: Behind them.
    """

    since: date
    until: date
    yearly: bool = False
    start: int = 0
    end: int = 0


def find_period(question: str, today: date) -> Period | None:
    """The first period that `question` names, as seen on `today`; None where it names none."""
    text = fold(question)
    for pattern, make in _FORMS:
        for match in pattern.finditer(text):
            try:
                found = make(match, today)
            except (ValueError, OverflowError, KeyError):
                continue
            else:
                return replace(found, start=match.start(), end=match.end())
    return None


def _day(year: int, month: int, day: int) -> Period:
    that = date(year, month, day)
    return Period(since=that, until=that)


def _month(year: int, month: int) -> Period:
    return Period(since=date(year, month, 1), until=date(year, month, monthrange(year, month)[1]))


def _year(year: int) -> Period:
    return Period(since=date(year, 1, 1), until=date(year, 12, 31))


def _week(day: date) -> Period:
    monday = day - timedelta(days=day.weekday())
    return Period(since=monday, until=monday + timedelta(days=6))


def _week_of_month(year: int, month: int, number: int) -> Period:
    """The week `number` of a month, the last one for 0."""
    whole = _month(year, month)
    first = whole.since - timedelta(days=whole.since.weekday())
    if number == 0:
        number = (whole.until - first).days // 7 + 1
    monday = first + timedelta(weeks=number - 1)
    if monday > whole.until or number > 6:
        raise ValueError(number)
    return Period(since=max(monday, whole.since), until=min(monday + timedelta(days=6), whole.until))


def _back(today: date, months: int) -> tuple[int, int]:
    count = today.year * 12 + today.month - 1 - months
    return count // 12, count % 12 + 1


def _ago(today: date, unit: str, many: int) -> Period:
    """The day, week, month or year that lies `many` of them back."""
    match unit:
        case "day":
            that = today - timedelta(days=many)
            return Period(since=that, until=that)
        case "week":
            return _week(today - timedelta(weeks=many))
        case "month":
            return _month(*_back(today, many))
        case _:
            return _year(today.year - many)


def _lately(today: date, unit: str, many: int) -> Period:
    """The `many` days, weeks, months or years that end today."""
    match unit:
        case "day":
            return Period(since=today - timedelta(days=many - 1), until=today)
        case "week":
            return Period(since=today - timedelta(days=7 * many - 1), until=today)
        case "month":
            year, month = _back(today, many)
            begin = date(year, month, min(today.day, monthrange(year, month)[1]))
        case _:
            begin = date(today.year - many, today.month, min(today.day, 28))
    return Period(since=begin + timedelta(days=1), until=today)


def _named_year(match: re.Match[str]) -> int | None:
    groups = match.groupdict()
    if groups.get("year"):
        return int(groups["year"])
    if groups.get("era"):
        return _ERAS[groups["era"]] + (1 if groups["count"] == "元" else int(groups["count"]))
    return None


def _of_year(match: re.Match[str], today: date, make: Callable[[int], Period]) -> Period:
    """What `make` gives for the year named, else for the latest year in which it has begun."""
    year = _named_year(match)
    if year is not None:
        return make(year)
    for back in range(9):  # 29 February is rarer than once a year
        try:
            found = make(today.year - back)
        except ValueError:
            continue
        if found.since <= today:
            return replace(found, yearly=True)
    raise ValueError(match.group())


def _month_of(match: re.Match[str]) -> int:
    groups = match.groupdict()
    if groups.get("name"):
        return _MONTHS.index(groups["name"][:3]) + 1
    return int(groups["month"])


def _many(match: re.Match[str]) -> int:
    said = match["many"].removeprefix("a couple")
    if said == " of":
        return 2
    if said in _COUNTS:
        return _COUNTS[said]
    return 10 if said == "十" else int(said.translate(_KANJI))


def _unit(match: re.Match[str]) -> str:
    unit = match["unit"]
    if unit in ("day", "week", "month", "year"):
        return str(unit)
    return "day" if unit == "日" else "week" if unit[0] == "週" else "year" if unit == "年" else "month"


def _part(match: re.Match[str], today: date) -> Period:
    def make(year: int) -> Period:
        whole = _month(year, _month_of(match))
        match_part = match["part"]
        first, last = {"上": (1, 10), "中": (11, 20), "下": (21, 31)}.get(match_part[0], (0, 0))
        if not first:
            first, last = {"begin": (1, 10), "early": (1, 10), "middle": (11, 20), "mid": (11, 20)}.get(
                match_part.removesuffix("ning"), (21, 31)
            )
        return Period(since=whole.since.replace(day=first), until=whole.until.replace(
            day=min(last, whole.until.day)))  # fmt: skip

    return _of_year(match, today, make)


def _weekday(match: re.Match[str], today: date) -> Period:
    name = match["weekday"]
    number = _DAYS_JA.index(name) if name in _DAYS_JA else _DAYS_EN.index(name[:3])
    week = match.groupdict().get("week")
    if week:
        monday = _RELATIVE[week](today).since
        that = monday + timedelta(days=number)
    else:  # the latest one before today
        that = today - timedelta(days=(today.weekday() - number - 1) % 7 + 1)
    return Period(since=that, until=that)


def _range(match: re.Match[str], today: date) -> Period:
    first, last = find_period(match["first"], today), find_period(match["last"], today)
    if not first or not last:
        raise ValueError(match.group())
    yearly = first.yearly and last.yearly
    since, until = first.since, last.until
    if since > until and first.yearly:  # 12月28日から1月3日
        since = since.replace(year=since.year - 1)
    if first.yearly and not last.yearly:
        since = since.replace(year=until.year)
    if last.yearly and not first.yearly:
        until = until.replace(year=since.year)
    if since > until:
        raise ValueError(match.group())
    return Period(since=since, until=until, yearly=yearly)


_RELATIVE: Final[dict[str, Callable[[date], Period]]] = {
    "今週": lambda t: _ago(t, "week", 0),
    "先週": lambda t: _ago(t, "week", 1),
    "先々週": lambda t: _ago(t, "week", 2),
    "先先週": lambda t: _ago(t, "week", 2),
    "今月": lambda t: _ago(t, "month", 0),
    "先月": lambda t: _ago(t, "month", 1),
    "先々月": lambda t: _ago(t, "month", 2),
    "今年": lambda t: _ago(t, "year", 0),
    "去年": lambda t: _ago(t, "year", 1),
    "昨年": lambda t: _ago(t, "year", 1),
    "一昨年": lambda t: _ago(t, "year", 2),
    "おととし": lambda t: _ago(t, "year", 2),
    "今日": lambda t: _ago(t, "day", 0),
    "きょう": lambda t: _ago(t, "day", 0),
    "本日": lambda t: _ago(t, "day", 0),
    "昨日": lambda t: _ago(t, "day", 1),
    "きのう": lambda t: _ago(t, "day", 1),
    "一昨日": lambda t: _ago(t, "day", 2),
    "おととい": lambda t: _ago(t, "day", 2),
    "today": lambda t: _ago(t, "day", 0),
    "yesterday": lambda t: _ago(t, "day", 1),
    "the day before yesterday": lambda t: _ago(t, "day", 2),
    "this week": lambda t: _ago(t, "week", 0),
    "last week": lambda t: _ago(t, "week", 1),
    "the week before last": lambda t: _ago(t, "week", 2),
    "this month": lambda t: _ago(t, "month", 0),
    "last month": lambda t: _ago(t, "month", 1),
    "the month before last": lambda t: _ago(t, "month", 2),
    "this year": lambda t: _ago(t, "year", 0),
    "last year": lambda t: _ago(t, "year", 1),
}
_NAMED: Final = "|".join(sorted((re.escape(name) for name in _RELATIVE), key=len, reverse=True))
_WEEKDAY_EN: Final = r"(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)day"
_DAY_EN: Final = (
    rf"(?:{_NAME}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d){_EN_YEAR}"
    rf"|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_NAME.replace('<name>', '<name2>')}"
    rf"{_EN_YEAR.replace('<year>', '<year2>')})"
)
_ISO: Final = r"(?P<year>(?:19|20)\d\d)(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)"
_ANY: Final = (
    r"(?:(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|(?:(?:(?:19|20)\d\d|(?:令和|平成|昭和)\w{1,2})年)?\d{1,2}月(?:\d{1,2}日)?"
    r"|\d{1,2}/\d{1,2}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s*\d{1,2}(?:st|nd|rd|th)?)?"
    r"(?:,?\s*20\d\d)?|\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:\s+20\d\d)?)"
)


def _english_day(match: re.Match[str], today: date, week: bool = False) -> Period:
    groups = match.groupdict()
    name, day = (groups["name"], groups["day"]) if groups["name"] else (groups["name2"], groups["day2"])
    year = groups["year"] or groups["year2"]
    month = _MONTHS.index(name[:3]) + 1

    def make(year: int) -> Period:
        that = _day(year, month, int(day))
        return that

    found = make(int(year)) if year else _of_year(match, today, make)
    return replace(_week(found.since), yearly=found.yearly) if week else found


def _numbered(match: re.Match[str], today: date) -> Period:
    """The week of a month by its number."""
    said = match["number"]
    number = _ORDINALS[said] if said in _ORDINALS else 0 if said in ("最終", "最後の") else int(
        said.translate(_KANJI)
    )  # fmt: skip
    return _of_year(match, today, lambda year: _week_of_month(year, _month_of(match), number))


def _plain_day(match: re.Match[str], today: date) -> Period:
    return _of_year(match, today, lambda year: _day(year, int(match["month"]), int(match["day"])))


def _week_around(match: re.Match[str], today: date) -> Period:
    found = _plain_day(match, today)
    return replace(_week(found.since), yearly=found.yearly)


def _forms() -> list[tuple[re.Pattern[str], Callable[[re.Match[str], date], Period]]]:
    """Patterns with what they mean, the most particular first."""
    forms: list[tuple[str, Callable[[re.Match[str], date], Period]]] = [
        (rf"(?P<first>{_ANY})\s*(?:から|~|〜|〰|～|–|to|until|through|and|-(?=\D|\d{{1,2}}[/月]))\s*(?P<last>{_ANY})(?:まで)?",
         _range),
        (rf"(?:{_YEAR}の?\s*)?(?P<month>\d{{1,2}})月の?第?(?P<number>最終|最後の|[1-6一二三四五六])週目?", _numbered),
        (rf"(?P<number>first|second|third|fourth|fifth|last) week (?:of|in) {_NAME}{_EN_YEAR}", _numbered),
        (rf"{_DAY_JA}の(?:ある)?週", _week_around),
        (rf"{_ISO}\s*の(?:ある)?週", _week_around),
        (rf"week (?:of|with|starting|beginning)\s+(?:on\s+)?(?:the\s+)?{_ISO}", _week_around),
        (rf"week (?:of|with|starting|beginning)\s+(?:on\s+)?(?:the\s+)?{_DAY_EN}",
         lambda m, t: _english_day(m, t, week=True)),
        (rf"(?:{_YEAR}の?\s*)?(?P<month>\d{{1,2}})月の?(?P<part>上旬|中旬|下旬)", _part),
        (rf"(?:the )?(?P<part>beginning|early|middle|mid|late|end)[ -](?:of )?{_NAME}{_EN_YEAR}", _part),
        (_DAY_JA, _plain_day),
        (rf"(?<!\d){_ISO}", _plain_day),
        (rf"\b{_DAY_EN}", _english_day),
        (rf"(?:{_YEAR}の?\s*)(?P<month>\d{{1,2}})月(?!\d)",
         lambda m, t: _of_year(m, t, lambda y: _month(y, int(m["month"])))),
        (rf"(?P<week>今週|先週|先々週|先先週)の?(?P<weekday>[{_DAYS_JA}])曜", _weekday),
        (rf"(?:(?:on|last|this past) )?\b{_WEEKDAY_EN}\b", _weekday),
        (rf"(?:この|ここ|過去|直近|最近の?)\s*{_NUMBER_JA}{_UNIT_JA}", lambda m, t: _lately(t, _unit(m), _many(m))),
        (rf"{_NUMBER_JA}{_UNIT_JA}前", lambda m, t: _ago(t, _unit(m), _many(m))),
        (rf"\b(?:the |in the |over the )?(?:last|past|previous) {_NUMBER_EN}\s+{_UNIT_EN}\b",
         lambda m, t: _lately(t, _unit(m), _many(m))),
        (rf"\b{_NUMBER_EN}\s+{_UNIT_EN} ago\b", lambda m, t: _ago(t, _unit(m), _many(m))),
        (r"\b(?:the )?(?:past|previous) (?P<unit>week|month|year)\b", lambda m, t: _lately(t, _unit(m), 1)),
        (_NAMED.replace("today", r"\btoday\b"), lambda m, t: _RELATIVE[m.group()](t)),
        (r"(?<!\d)(?P<month>1[0-2]|[1-9])/(?P<day>\d{1,2})(?![\d/])", _plain_day),
        (rf"(?:{_YEAR}の?\s*)?(?<!\d)(?P<month>1[0-2]|[1-9])月(?![曜\d]|の?第)",
         lambda m, t: _of_year(m, t, lambda y: _month(y, int(m["month"])))),
        (rf"\b(?:in|during|of|from) {_NAME}{_EN_YEAR}",
         lambda m, t: _of_year(m, t, lambda y: _month(y, _month_of(m)))),
        (rf"\b{_NAME},?\s+(?P<year>(?:19|20)\d\d)\b",
         lambda m, t: _of_year(m, t, lambda y: _month(y, _month_of(m)))),
        (rf"(?<!\d){_YEAR}(?<=年)(?!間)", lambda m, t: _year(_named_year(m) or 0)),
        (r"\b(?:in|during) (?P<year>(?:19|20)\d\d)\b", lambda m, t: _year(int(m["year"]))),
        (rf"(?P<weekday>[{_DAYS_JA}])曜日?", _weekday),
    ]  # fmt: skip
    return [(re.compile(pattern), make) for pattern, make in forms]


_FORMS: Final = _forms()
