"""Suggestions: slips of the hand lead to words of the notes, and words that are right lead nowhere."""

from collections.abc import Callable

import pytest

from ingest.explain import Explainer
from ingest.search import HybridRetriever
from ingest.spelling import Speller, _sound
from ingest.store import Store
from terakoya.text.analyser import Analyser

CORPUS = {
    "db.md": "# Database\n\nA foreign key points at a table. Transactions are isolated.\n",
    "py.md": "# Python\n\nA python list is a sequence. TCP handshake.\n",
    "bio.md": "# 細胞\n\nミトコンドリアは呼吸を担う。サーバーの話。トランザクション。\n",
}


@pytest.fixture
def speller(store: Store, analyser: Analyser, write, sync) -> Speller:
    sync(write(CORPUS))
    return Speller(store, analyser)


@pytest.mark.parametrize(
    ("query", "suggested"),
    [
        ("forein key", ["foreign key"]),
        ("What is a forein key?", ["What is a foreign key?"]),
        ("pyhton list", ["Python list"]),
        ("TPC handshake", ["TCP handshake"]),
        ("databse of pyhton", ["Database of Python"]),
        ("transctions", ["Transactions"]),
        ("ミトコンドリヤ", ["ミトコンドリア"]),
        ("ミトコンドリヤとは", ["ミトコンドリアとは"]),
        ("isolaton", ["isolated"]),
        ("isloated", ["isolated"]),
        ("ﾄﾗﾝｻﾞｸｼｵﾝ", ["トランザクション"]),
    ],
)
def test_a_slip_leads_to_the_word_of_the_notes(speller: Speller, query: str, suggested: list[str]) -> None:
    assert [other.casefold() for other in speller.suggest(query)] == [other.casefold() for other in suggested]


@pytest.mark.parametrize(
    "query",
    ["foreign key", "Keys", "サーバ", "サーバー", "zebra", "mask", "2031", "", "???", "量子力学", "x"],
)
def test_what_is_right_or_like_nothing_leads_nowhere(speller: Speller, query: str) -> None:
    assert speller.suggest(query) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ヴァイオリン", "バイオリン"),
        ("ダイヤグラム", "ダイアグラム"),
        ("インデックス", "インデクス"),
        ("ディジタル", "ジジタル"),
        ("ウィルス", "ウイルス"),
        ("サーヴァー", "サーバ"),
    ],
)
def test_variants_of_a_sound_are_one(one: str, other: str) -> None:
    assert _sound(one) == _sound(other)


def test_suggestions_come_where_no_word_is_found_or_an_explanation_shows_one_that_stands_nowhere(
    speller: Speller, store: Store, analyser: Analyser
) -> None:
    search = HybridRetriever(store, analyser, None).search
    assert speller.advise(search("forein")).suggestions == ("foreign",)
    found = search("forein key")
    assert found.hits
    assert speller.advise(found).suggestions == ()
    explain: Callable = Explainer(store, analyser, frozenset()).explain
    assert speller.advise(explain(found)).suggestions == ("foreign key",)
    assert speller.advise(explain(search("foreign key"))).suggestions == ()


def test_a_store_without_notes_suggests_nothing(store: Store, analyser: Analyser) -> None:
    assert Speller(store, analyser).suggest("forein key") == []
