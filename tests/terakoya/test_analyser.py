"""The analyser: one way from text to terms, for index, query and evidence."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terakoya.text.analyser import Analyser
from terakoya.text.normalise import printable


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("サーバー", "サーバ"),
        ("インデックス", "インデクス"),
        ("コンピューター", "コンピュータ"),
        ("ﾃﾞｰﾀﾍﾞｰｽ", "データベース"),
        ("ＳＱＬ", "SQL"),
        ("sql", "SQL"),
        ("indexes", "index"),
        ("running", "runs"),
        ("引っ越し", "引越し"),
        ("書いた", "書く"),
        ("don’t", "don't"),
        ("Mendel's", "Mendel"),
    ],
)
def test_variants_of_a_word_are_one_term(analyser: Analyser, one: str, other: str) -> None:
    assert set(analyser.words(one)) == set(analyser.words(other))


@pytest.mark.parametrize("one", ["データ", "レモン"])
def test_different_words_stay_apart(analyser: Analyser, one: str) -> None:
    assert not set(analyser.words(one)) & set(analyser.words("メロン"))


def test_words_of_mixed_scripts_are_cut_at_the_script(analyser: Analyser) -> None:
    words = analyser.words("Pythonのfor文でGPT-4を3回呼ぶ")
    assert {"python", "for", "文", "gpt-4", "3", "回", "呼ぶ"} <= set(words)
    assert "の" not in words
    assert "で" not in words


@pytest.mark.parametrize(
    ("identifier", "whole", "parts"),
    [
        ("snake_case_name", "snake_case_nam", {"snake", "case", "name"}),
        ("getUserName", "getusernam", {"get", "user", "name"}),
        ("HTTPServer", "httpserver", {"http", "server"}),
        ("foo.bar", "foo.bar", {"foo", "bar"}),
    ],
)
def test_identifiers_are_kept_whole_and_in_parts(
    analyser: Analyser, identifier: str, whole: str, parts: set[str]
) -> None:
    words = set(analyser.words(identifier))
    assert whole in words or analyser.words(whole).keys() & words
    assert {form for part in parts for form in analyser.words(part) if part != "get"} <= words


@pytest.mark.parametrize(("name", "bare"), [("C++", "C"), ("C#", "C"), ("Node.js", "Node"), ("AT&T", "AT")])
def test_marks_that_belong_to_a_name_stay(analyser: Analyser, name: str, bare: str) -> None:
    whole = set(analyser.words(name)) - set(analyser.words(bare))
    assert whole & set(analyser.words(f"I use {name} daily"))
    assert not whole & set(analyser.words(f"I use {bare} daily"))


def test_a_date_is_found_whole_and_by_its_parts(analyser: Analyser) -> None:
    assert {"2023/07/06", "2023", "07", "06"} <= set(analyser.words("2023/07/06"))


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("2023年9月", "2023/09/25"),
        ("2023年9月", "Sept. 25, 2023"),
        ("2023-09", "2023年9月25日"),
        ("September 2023", "2023-09-25"),
        ("12月", "## 12/3"),
        ("12月3日", "the 3rd of December"),
        ("December 3", "12/3"),
    ],
)
def test_a_day_or_month_is_one_term_in_every_writing(analyser: Analyser, asked: str, written: str) -> None:
    date = max(analyser.tokens(asked), key=lambda token: len(token.form) if token.form.count("-") else 0)
    assert date.kind == "number"
    assert date.form in analyser.words(written)


@pytest.mark.parametrize("text", ["You may 5 times", "we march 12 miles", "3ヶ月", "1.5", "3月曜"])
def test_what_only_looks_like_a_date_is_none(analyser: Analyser, text: str) -> None:
    assert not any(form.startswith("--") for form in analyser.words(text))


@pytest.mark.parametrize(
    ("text", "noun"), [("推論の進め方", "進め方"), ("見方が変わる", "見方"), ("高さは", "高さ")]
)
def test_a_noun_made_of_a_verb_is_a_noun(analyser: Analyser, text: str, noun: str) -> None:
    assert ("noun", noun) in {(token.kind, token.form) for token in analyser.tokens(text)}


def test_bigrams_are_of_japanese_runs_only(analyser: Analyser) -> None:
    assert dict(analyser.grams("東京都 abc 山")) == {"東京": 1, "京都": 1, "山": 1}


@pytest.mark.parametrize("text", ["", " \n\t", "！？。、", "---", "😀🎉", "\u200b"])
def test_text_without_words_has_no_terms(analyser: Analyser, text: str) -> None:
    assert not analyser.words(text)
    assert not analyser.grams(text)


@pytest.mark.parametrize("unit", ["吾輩は猫である", "x", "word ", "ー", "😀", "あ", "1", "a_b"])
def test_a_hundred_thousand_characters_are_analysed(analyser: Analyser, unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    analyser.words(text)
    analyser.grams(text)


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.characters(), max_size=80))
def test_any_text_is_analysed_and_tokens_stand_in_it_in_order(analyser: Analyser, text: str) -> None:
    import unicodedata

    shown = printable(text)
    tokens = analyser.tokens(shown)
    size = len(unicodedata.normalize("NFKC", shown))
    assert all(0 <= t.start < t.end <= size for t in tokens)
    assert all(before.start <= after.start for before, after in pairwise(tokens))
    assert analyser.words(shown).total() == len(tokens)


def test_emoji_beside_words_do_not_disturb(analyser: Analyser) -> None:
    assert set(analyser.words("勉強📚する")) >= {"勉強"}


def test_an_unpaired_surrogate_made_printable_is_analysed(analyser: Analyser) -> None:
    assert set(analyser.words(printable("光合\ud800成 plant"))) >= {"plant"}


def test_several_threads_get_the_same_terms_at_once() -> None:
    fresh = Analyser()
    texts = [f"第{n}章 データベースのindexesとtransactions {n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fresh.words, texts * 3))
    assert together == [fresh.words(text) for text in texts] * 3


def test_the_fingerprint_names_dictionary_and_stemmer(analyser: Analyser) -> None:
    assert "sudachi-core" in analyser.fingerprint
    assert "snowball" in analyser.fingerprint


def test_a_question_word_drawn_together_with_a_verb_only_asks(analyser: Analyser) -> None:
    assert analyser.tokens("What's a mutex?")[0].kind == "question"
