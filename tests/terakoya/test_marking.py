"""Where the terms of a query stand: in the text as it is written, whatever its width, case or kana."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.analyser import Analyser
from terakoya.text.marking import Marker, joined, shares
from terakoya.text.normalise import aligned

TEXTS = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ｶﾞﾊﾟ½ﬁ㍿e\u0301각가\u3099"))
)


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("What is a foreign key?", "Foreign keys point at the KEY of a table.", ["Foreign", "keys", "KEY"]),
        ("外部キーとは何ですか", "- 外部キー (foreign key): 主キーを指す列", ["外部キー", "キー"]),
        ("サーバ", "ｻｰﾊﾞｰ と サーバーが", ["ｻｰﾊﾞｰ", "サーバー"]),
        ("ジャガイモ", "新じゃがいもを買う", ["じゃがいも"]),
        ("光合成", "光合成細菌について", ["光合成"]),
        ("ＴＣＰ", "tcp or TCP", ["tcp", "TCP"]),
        ("12月3日", "on 12/3 we met", ["12/3"]),
        ("量子化の方法は？", "量子化は、量子コンピュータとは別。変化の方法", ["量子化", "量子", "方法"]),
        ("学生証の再発行", "証は学生証、再は再発行の再", ["学生証", "再発行"]),
        ("第一次世界大戦はいつ", "第一次世界大戦は1914年", ["第一次世界大戦"]),
        ("the", "the end", ["the"]),
        ("zebra", "nothing here", []),
        ("", "nothing here", []),
        ("key", "", []),
    ],
)
def test_marks_are_what_a_reader_would_mark(
    analyser: Analyser, query: str, text: str, marked: list[str]
) -> None:
    assert [text[start:end] for start, end in Marker(query, analyser).marks(text)] == marked


def test_places_count_in_the_whole_text(analyser: Analyser) -> None:
    text = "ﬁrst line\n\nｶﾞｷ と key\nlast key"
    places = Marker("key", analyser).places(text)
    assert [text[start:end] for start, end in places["key"]] == ["key", "key"]


def test_words_that_only_connect_are_minor_and_words_that_ask_are_none(analyser: Analyser) -> None:
    terms = {term.written: term.minor for term in Marker("What is the order of the packets?", analyser).terms}
    assert terms == {"is": True, "the": True, "order": False, "of": True, "packets": False}


def test_shares_are_parts_of_the_whole(analyser: Analyser) -> None:
    terms = Marker("key key order", analyser).terms
    assert shares(terms, {"key": 1.0, "order": 2.0}) == {"key": 0.5, "order": 0.5}
    assert shares(terms, {}) == {"key": 0.0, "order": 0.0}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (min(pair), max(pair)))))
def test_joined_spans_hold_the_same_characters_and_stand_apart(spans: list[tuple[int, int]]) -> None:
    merged = joined(spans)
    assert {at for start, end in merged for at in range(start, end)} == {
        at for start, end in spans for at in range(start, end)
    }
    assert all(first[1] < second[0] for first, second in pairwise(merged))


@given(TEXTS)
def test_aligned_text_is_nfkc_and_leads_back(text: str) -> None:
    normal, starts = aligned(text)
    assert normal == unicodedata.normalize("NFKC", text)
    assert len(starts) == len(normal) + 1
    assert list(starts) == sorted(starts)
    assert starts[-1] == len(text)


@given(TEXTS, st.integers(0, 30), st.integers(0, 30))
def test_a_piece_of_aligned_text_is_the_piece_it_came_from(text: str, first: int, second: int) -> None:
    normal, starts = aligned(text)
    start, end = sorted((min(first, len(normal)), min(second, len(normal))))
    piece = unicodedata.normalize("NFKC", text[starts[start] : starts[end]])
    whole = start == 0 or starts[start] != starts[start - 1]
    assert not whole or normal[start:end].startswith(piece)
