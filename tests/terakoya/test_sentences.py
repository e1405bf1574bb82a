"""Sentences: spans in order that cover the text, cut where a reader would stop."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.sentences import sentence_spans

PROSE = st.text(alphabet=st.sampled_from("あ漢ア。、！？「」『』（）ab Z.!?()[]\"'\n\t*`1・:"), max_size=120)
ANY = st.text(max_size=120)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@given(PROSE | ANY)
def test_spans_are_ordered_and_disjoint_and_cover_all_that_is_not_space(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    outside = set(range(len(text))).difference(*(range(start, end) for start, end in spans))
    assert all(text[i].isspace() for i in outside)


@given(PROSE | ANY)
def test_no_span_begins_or_ends_with_space(text: str) -> None:
    assert all(sentence == sentence.strip() for sentence in sentences(text))


@pytest.mark.parametrize(
    "text",
    [
        "彼は「今日は雨だ。傘がいる。」と言った。",
        "結果（表1。詳しくは後述。）は良かった。",
        "This is e.g. an example.",
        "Dr. Smith and Prof. Jones agree.",
        "Pi is about 3.14 in most books.",
        "See Fig. 3 for details.",
        "J. R. R. Tolkien wrote it.",
        "1. First comes the list number.",
        "The file is named notes.md here.",
        "A wrapped line\nof English goes on.",
        "読点で終わる行、\nは続く。",
    ],
)
def test_one_sentence_stays_whole(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("雨だ。傘がいる。", ["雨だ。", "傘がいる。"]),
        ("本当？はい！", ["本当？", "はい！"]),
        ("It rains. Take an umbrella!", ["It rains.", "Take an umbrella!"]),
        ("「雨だ。」傘がいる。", ["「雨だ。」傘がいる。"]),
        ("一行目\n二行目", ["一行目", "二行目"]),
        ("**Bold.** Then plain.", ["**Bold.**", "Then plain."]),
        ("一つ目。\n\nSecond one. 三つ目。", ["一つ目。", "Second one.", "三つ目。"]),
        ("Really?本当です。", ["Really?", "本当です。"]),
    ],
)
def test_sentences_are_cut_apart(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_bracket_that_never_closes_binds_nothing() -> None:
    assert len(sentences("「開いたまま。" + "文です。" * 100)) > 90


def test_a_text_without_any_stop_is_one_sentence() -> None:
    assert sentences("a" * 50_000) == ["a" * 50_000]
