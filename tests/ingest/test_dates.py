"""Dates at the head of a line: what is one, what is none, and what it leaves open."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import Day, Year, day_at_head, year_named


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-01",
        "2024/5/1",
        "2024/05/01",
        "2024.05.01",
        "20240501",
        "2024年5月1日",
        "2024 年 5 月 1 日",
        "2024年5月1日（水）",
        "２０２４年５月１日",
        "２０２４／５／１",
        "令和6年5月1日",
        "令和６年５月１日",
        "R6.5.1",
        "R6/5/1",
        "May 1, 2024",
        "May 1st, 2024",
        "May 1 2024",
        "MAY 1, 2024",
        "1 May 2024",
        "1st of May 2024",
        "Wednesday, May 1, 2024",
        "Wed, 1 May 2024",
        "1-May-2024",
        "2024-05-01 10:30",
        "2024-05-01T10:30:00+09:00",
        "2024-05-01 10:00〜11:30",
        "【2024/5/1】",
        "■ 2024/5/1 (水・祝)",
        "日付: 2024-05-01",
        "Date: 2024-05-01",
        "Day 3 - 2024-05-01",
        "第3回（2024/5/1）",
        "2024-05-01:",
    ],
)
def test_a_full_date(written: str) -> None:
    assert day_at_head(written) == Day(2024, 5, 1, alone=True)


@pytest.mark.parametrize(
    "written",
    [
        "5/1",
        "05/01",
        "5/1(水)",
        "5/1（水）",
        "5/1 水",
        "5月1日",
        "５月１日",
        "5月1日 水曜日",
        "May 1",
        "May 1st",
        "1 May",
        "5/1:",
        "[5/1]",
    ],
)
def test_a_date_without_a_year(written: str) -> None:
    assert day_at_head(written) == Day(None, 5, 1, alone=True)


@pytest.mark.parametrize(
    "written", ["2024年5月", "2024-05", "2024/05", "令和6年5月", "May 2024", "２０２４年５月"]
)
def test_a_month(written: str) -> None:
    assert day_at_head(written) == Day(2024, 5, None, alone=True)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("5月", Day(None, 5, None, alone=True)),
        ("5月の記録", Day(None, 5, None)),
        ("3日（金）", Day(None, None, 3, alone=True)),
    ],
)
def test_a_part_of_a_date(written: str, day: Day) -> None:
    assert day_at_head(written) == day


@pytest.mark.parametrize(
    "written",
    [
        "5/1 数学",
        "5/1の授業",
        "5/1: 数学",
        "5/1(水) 数学",
        "5/1 水を飲む",
        "5/1 日本史",
        "5/1〜5/3 合宿",
        "5/1 - 5/3 trip",
        "5月1日は休み",
        "May 1: algebra",
        "May 1 was a holiday",
        "2024-05-01 algebra",
        "20240501_memo",
    ],
)
def test_words_may_follow_a_date(written: str) -> None:
    day = day_at_head(written)
    assert day
    assert (day.month, day.day, day.alone) == (5, 1, False)


@pytest.mark.parametrize(
    "written",
    [
        "3/4 of the class",
        "3/4 cup of sugar",
        "3/4の確率",
        "3/4 程度",
        "3/4拍子",
        "1/2 = 0.5",
        "1/2 x",
        "1/2x",
        "24/7",
        "82/100",
        "10/20 correct",
        "12/20点",
        "12/20 points",
        "1/2/3",
        "1:30",
        "1.2.3",
        "1.2.3.4",
        "v1.2.3",
        "2024.1.2.3",
        "2024.05",
        "5.1",
        "5-1",
        "2024",
        "2024年",
        "03-1234-5678",
        "090-1234-5678",
        "192.168.1.1",
        "2024-05-01-02",
        "1234567890",
        "201234567",
        "R4.2",
        "S3.2.1",
        "H2O",
        "5月病",
        "3日間",
        "3日で終わった",
        "may 1 find",
        "Marching 1",
        "May 1.5",
        "5 apples",
        "text 5/1",
        "",
    ],
)
def test_ratios_versions_scores_and_numbers_are_no_dates(written: str) -> None:
    assert day_at_head(written) is None


@pytest.mark.parametrize(
    "written",
    [
        "2024-02-30",
        "2023-02-29",
        "2024/13/1",
        "2024-00-10",
        "4/31",
        "2/30",
        "0/5",
        "6月31日",
        "Feb 30",
        "R6.13.1",
        "2024年2月30日",
    ],
)
def test_days_that_the_calendar_does_not_have_are_none(written: str) -> None:
    assert day_at_head(written) is None


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("平成31年4月30日", (2019, 4, 30)),
        ("平成31年5月1日", None),
        ("令和元年5月1日", (2019, 5, 1)),
        ("令和元年4月30日", None),
        ("令和0年5月1日", None),
        ("昭和64年1月7日", (1989, 1, 7)),
        ("昭和64年1月8日", None),
        ("H元.1.8", None),
        ("H1.1.8", (1989, 1, 8)),
        ("大正15年12月25日", (1926, 12, 25)),
        ("昭和元年12月25日", (1926, 12, 25)),
        ("明治45年7月30日", (1912, 7, 30)),
    ],
)
def test_eras_begin_and_end_with_their_days(written: str, day: tuple[int, int, int] | None) -> None:
    found = day_at_head(written)
    assert (found and (found.year, found.month, found.day)) == day


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("31/12/2024", (12, 31)),
        ("12/31/2024", (12, 31)),
        ("5/5/2024", (5, 5)),
        ("31.12.2024", (12, 31)),
        ("01/05/2024", None),
    ],
)
def test_a_year_behind_counts_where_day_and_month_can_be_told_apart(
    written: str, day: tuple[int, int] | None
) -> None:
    found = day_at_head(written)
    assert (found and (found.month, found.day)) == day


@pytest.mark.parametrize(
    ("written", "sure"),
    [
        ("1/2", False),
        ("3/4 英語", False),
        ("5/5", False),
        ("1/2(火)", True),
        ("01/02", True),
        ("5/1", True),
        ("1/15", True),
        ("1月2日", True),
    ],
)
def test_what_may_be_a_share_is_not_sure(written: str, sure: bool) -> None:
    day = day_at_head(written)
    assert day
    assert day.sure == sure


@given(st.dates())
def test_every_day_of_the_calendar_is_read_in_each_form(day: date) -> None:
    wanted = (day.year, day.month, day.day)
    forms = [f"{day.year}年{day.month}月{day.day}日"] if day.year >= 1000 else []
    if 1900 <= day.year < 2100:
        forms += [day.isoformat(), f"{day.year}/{day.month}/{day.day}", f"{day:%B} {day.day}, {day.year}"]
    for form in forms:
        found = day_at_head(form)
        assert found
        assert (found.year, found.month, found.day) == wanted


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    day = day_at_head(text)
    assert day is None or day.month is not None or day.day is not None
    year_named(text)


@pytest.mark.parametrize("mark", ["1/", "1", "[", "1-", "May ", "Day 1 ", "令和", "（水）"])
def test_a_long_line_is_read_at_its_head(mark: str) -> None:
    assert day_at_head(mark * 100_000) is None


@pytest.mark.parametrize(
    ("heading", "year"),
    [
        ("2024年", Year(2024)),
        ("2024", Year(2024)),
        ("２０２４年の記録", Year(2024)),
        ("Study log 2024", Year(2024)),
        ("2024 spring", Year(2024)),
        ("学習記録（2024年）", Year(2024)),
        ("令和6年", Year(2024)),
        ("2024年度 前期", Year(2024, fiscal=True)),
        ("令和6年度", Year(2024, fiscal=True)),
        ("FY2024", Year(2024, fiscal=True)),
    ],
)
def test_a_heading_names_a_year(heading: str, year: Year) -> None:
    assert year_named(heading) == year


@pytest.mark.parametrize(
    "heading",
    [
        "100年前",
        "3年間",
        "RFC 2026 の概要",
        "ISO 8601:2004",
        "2023-2024",
        "2023年と2024年",
        "Python 3.11",
        "A 2000 word essay",
    ],
)
def test_a_heading_that_names_no_year_or_two(heading: str) -> None:
    assert year_named(heading) is None


def test_january_to_march_of_a_fiscal_year_lie_in_the_next() -> None:
    assert [Year(2024, fiscal=True).of(month) for month in (3, 4, 12)] == [2025, 2024, 2024]
