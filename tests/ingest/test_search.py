"""Search: BM25 as in the book, and any query at all gives a ranking or says why not."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from math import log

import pytest

from ingest.lexical import K1, B, LexicalIndex
from ingest.matching import KIND_WEIGHTS
from ingest.search import LONGEST_QUERY, HybridRetriever
from ingest.store import Store
from ingest.weighing import SHARES, Weighing
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser

CORPUS = {
    "bio.md": "# 生物\n\n- 光合成は葉緑体で行われる。\n- ミトコンドリアは呼吸を担う。\n\n"
    "# 遺伝\n\nメンデルはエンドウで遺伝の法則を見つけた。\n",
    "db.md": "# データベース\n\n- インデックスは検索を速くする。\n- サーバーは要求に応える。インデクスの話。\n",
    "net.md": "# Networking\n\nTCP guarantees the order of bytes. UDP does not.\n\n"
    "# Servers\n\nA server answers requests.\n",
    "sql.md": "# SQL\n\n`SELECT * FROM t WHERE x = 'a%b_c';` and LIKE patterns. 100% sure.\n",
}


@pytest.fixture
def search(store: Store, analyser: Analyser, write, sync):
    sync(write(CORPUS))
    return HybridRetriever(store, analyser, None).search


def bm25(query: Mapping[str, float], documents: dict[int, dict[str, int]]) -> dict[int, float]:
    """Okapi BM25 of weighed terms, straight from the formula, as a share of what no document can exceed."""
    mean = sum(sum(d.values()) for d in documents.values()) / len(documents)
    scores: dict[int, float] = {}
    for number, document in documents.items():
        length = sum(document.values())
        for term, weight in query.items():
            if term in document:
                share = document[term] / (document[term] + K1 * (1 - B + B * length / mean))
                scores[number] = scores.get(number, 0.0) + weight * share / sum(query.values())
    return scores


def rarity(term: str, documents: dict[int, dict[str, int]]) -> float:
    holding = sum(term in d for d in documents.values())
    return log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))


@pytest.mark.parametrize(
    "query", ["光合成", "TCP order", "インデックス 検索 サーバー", "server server requests", "zebra"]
)
def test_scores_over_words_and_bigrams_are_bm25(
    store: Store, analyser: Analyser, write, sync, query: str
) -> None:
    sync(
        write(
            {name: text for name, text in CORPUS.items() if (name in ("bio.md", "db.md")) != query.isascii()}
        )
    )
    numbers = [number for (number,) in store.rows("SELECT id FROM chunks")]
    fields: list[dict[int, dict[str, int]]] = [{n: {} for n in numbers}, {n: {} for n in numbers}]
    for field, term, number, count in store.rows("SELECT field, term, chunk, count FROM postings"):
        fields[field][number][term] = count
    tokens = analyser.tokens(query)
    words = {t.form: KIND_WEIGHTS[t.kind] * rarity(t.form, fields[0]) for t in tokens}
    counts = Counter(t.form for t in tokens)
    grams = {gram: n * rarity(gram, fields[1]) for gram, n in analyser.grams(query).items()}
    found = LexicalIndex(store, analyser).find(query)
    held = found.held(numbers)
    expected = bm25({form: weight * counts[form] for form, weight in words.items()}, fields[0])
    assert {n: h.words for n, h in held.items() if h.words} == pytest.approx(expected)
    assert {n: h.grams for n, h in held.items() if h.grams} == pytest.approx(bm25(grams, fields[1]))
    assert {n: h.passage for n, h in held.items()} == pytest.approx(
        {
            n: sum(weight for form, weight in words.items() if form in fields[0][n]) / sum(words.values())
            for n in numbers
        }
    )
    best = found.best(100)
    assert list(best) == sorted(best, key=lambda n: (-best[n], n))
    assert best == pytest.approx(
        {n: h.words + found.query.japanese * h.grams for n, h in held.items() if h.words or h.grams}
    )
    assert list(found.best(1)) == list(best)[:1]


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("サーバ", "db.md"),
        ("サーバー", "db.md"),
        ("ｻｰﾊﾞｰ", "db.md"),
        ("インデクス", "db.md"),
        ("光合成", "bio.md"),
        ("葉緑体", "bio.md"),
        ("servers", "net.md"),
        ("ＴＣＰ", "net.md"),
        ("メンデルの法則", "bio.md"),
    ],
)
def test_notes_are_found_across_spellings(search, query: str, source: str) -> None:
    assert search(query).hits[0].passage.source == source


@pytest.mark.parametrize("k", [1, 2, 3, 1000, 10**18])
def test_there_are_never_more_than_k_hits(search, k: int) -> None:
    hits = search("光合成 サーバー SQL TCP", k=k).hits
    assert 0 < len(hits) <= min(k, 6)
    assert hits == search("光合成 サーバー SQL TCP", k=10**6).hits[:k]


@pytest.mark.parametrize(
    ("query", "k", "key"),
    [
        ("", 10, "query_empty"),
        (" \n\t\u3000", 10, "query_empty"),
        ("\x00\x07", 10, "query_empty"),
        ("a" * (LONGEST_QUERY + 1), 10, "query_long"),
        ("word", 0, "k_small"),
        ("word", -5, "k_small"),
    ],
)
def test_a_query_that_cannot_be_used_is_bad_input(search, query: str, k: int, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        search(query, k=k)
    assert caught.value.key == key


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE notes; --",
        "100%",
        "a_c %b",
        '"quoted" AND (x OR y)',
        "$words $1 ? :name {x}",
        ".*+?[](){}^\\|",
        "*",
        "！？。、",
        "😀",
        "あ",
        "a",
        "体",
        "\ud800光合成",
        "a" * LONGEST_QUERY,
        "光" * LONGEST_QUERY,
    ],
)
def test_any_other_query_gives_a_ranking(store: Store, search, query: str) -> None:
    ranking = search(query)
    assert ranking.query == query
    assert [h.score for h in ranking.hits] == sorted((h.score for h in ranking.hits), reverse=True)
    assert store.counts()[0] == len(CORPUS)


def test_what_stands_nowhere_has_no_hits(search) -> None:
    assert search("zebra qwerty").hits == ()


def test_one_character_of_japanese_is_found_where_it_is_a_word(
    store: Store, analyser: Analyser, write, sync
) -> None:
    sync(write({"a.md": "猫が好き。", "b.md": "犬が好き。"}))
    hits = HybridRetriever(store, analyser, None).search("猫").hits
    assert hits[0].passage.source == "a.md"


def test_an_empty_store_has_no_hits(store: Store, analyser: Analyser) -> None:
    ranking = HybridRetriever(store, analyser, None).search("anything 何でも")
    assert (ranking.hits, ranking.arms) == ((), ("lexical",))


def test_the_same_query_gives_the_same_ranking_in_several_threads(search) -> None:
    queries = ["光合成", "TCP order", "サーバー", "server", "SQL 100%"] * 8
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(search, queries))
    assert together == [search(query) for query in queries]


def test_a_hit_can_be_quoted_from(search) -> None:
    passage = search("メンデル").hits[0].passage
    lines = CORPUS["bio.md"].split("\n")
    assert passage.text.split("\n") == lines[passage.start_line - 1 : passage.end_line]
    assert CORPUS["bio.md"][passage.start : passage.end] == passage.text
    assert passage.heading == ("遺伝",)


def test_what_is_weighed_changes_the_ranking(store: Store, analyser: Analyser, write, sync) -> None:
    sync(write({"many.md": "光 合成 葉緑体\n\n光合成\n", "near.md": "合成と光の話。葉緑体もある。光。\n"}))

    def scores(**weights: float) -> list[float]:
        retriever = HybridRetriever(store, analyser, None, Weighing(**weights))
        return [hit.score for hit in retriever.search("光合成 葉緑体").hits]

    assert scores() != scores(words=0.0)
    nothing = dict.fromkeys(SHARES, 0.0)
    assert set(scores(**nothing)) == {0.0}
