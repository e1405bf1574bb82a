from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.tools.periods import find_period

TODAY = date(2026, 11, 22)  # a Sunday


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("先週", "2026-11-09", "2026-11-15"),
        ("先々週", "2026-11-02", "2026-11-08"),
        ("昨日", "2026-11-21", "2026-11-21"),
        ("一昨日", "2026-11-20", "2026-11-20"),
        ("一昨年", "2024-01-01", "2024-12-31"),
        ("先月", "2026-10-01", "2026-10-31"),
        ("5月の第2週", "2026-05-04", "2026-05-10"),
        ("５月の第２週", "2026-05-04", "2026-05-10"),
        ("2025年5月第1週", "2025-05-01", "2025-05-04"),
        ("7月最終週", "2026-07-27", "2026-07-31"),
        ("2025年7月7日の週", "2025-07-07", "2025-07-13"),
        ("令和7年7月7日", "2025-07-07", "2025-07-07"),
        ("7月上旬", "2026-07-01", "2026-07-10"),
        ("2月下旬", "2026-02-21", "2026-02-28"),
        ("3日前", "2026-11-19", "2026-11-19"),
        ("三週間前", "2026-10-26", "2026-11-01"),
        ("3か月前", "2026-08-01", "2026-08-31"),
        ("ここ1週間", "2026-11-16", "2026-11-22"),
        ("先週の月曜日", "2026-11-09", "2026-11-09"),
        ("7/7〜7/14", "2026-07-07", "2026-07-14"),
        ("12月28日から1月3日まで", "2025-12-28", "2026-01-03"),
        ("12/1", "2025-12-01", "2025-12-01"),
        ("2月29日", "2024-02-29", "2024-02-29"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("the week before last", "2026-11-02", "2026-11-08"),
        ("two weeks ago", "2026-11-02", "2026-11-08"),
        ("the last 3 days", "2026-11-20", "2026-11-22"),
        ("the week of July 7, 2025", "2025-07-07", "2025-07-13"),
        ("the week of July 7", "2026-07-06", "2026-07-12"),
        ("the second week of May", "2026-05-04", "2026-05-10"),
        ("the last week of May 2025", "2025-05-26", "2025-05-31"),
        ("on July 14th", "2026-07-14", "2026-07-14"),
        ("14 July 2025", "2025-07-14", "2025-07-14"),
        ("July 2025", "2025-07-01", "2025-07-31"),
        ("in December", "2025-12-01", "2025-12-31"),
        ("between July 7 and July 14", "2026-07-07", "2026-07-14"),
        ("2025-07-07 to 2025-07-14", "2025-07-07", "2025-07-14"),
        ("last Monday", "2026-11-16", "2026-11-16"),
        ("on Sunday", "2026-11-15", "2026-11-15"),
        ("in 2025", "2025-01-01", "2025-12-31"),
    ],
)
def test_words_for_days_name_them(words, since, until):
    found = find_period(
        f"What did I study {words}?" if words.isascii() else f"{words}に何を勉強した？", TODAY
    )
    assert found
    assert (found.since.isoformat(), found.until.isoformat()) == (since, until)


@pytest.mark.parametrize(
    "words", ["2月30日", "13月", "5月の第9週", "BM25", "0日", "32/13", "99999999999日前"]
)
def test_what_names_no_day_is_none(words):
    assert find_period(words, TODAY) is None


def test_a_day_without_a_year_says_so():
    assert find_period("7月7日", TODAY).yearly
    assert not find_period("2025年7月7日", TODAY).yearly
    assert not find_period("先週", TODAY).yearly


def test_the_place_of_the_words_is_told():
    found = find_period("ねえ、先週は？", TODAY)
    assert "ねえ、先週は？"[found.start : found.end] == "先週"


@given(st.text(alphabet="0123456789年月日週第の前先今last week of May-/ 〜から", max_size=30), st.dates())
def test_no_text_breaks_it(text, today):
    found = find_period(text, today)
    assert found is None or found.since <= found.until
