"""Search across languages and abbreviations, by what the notes make stand for each other."""

import pytest

from ingest.explain import Explainer
from ingest.read import Reading
from ingest.search import HybridRetriever
from ingest.store import Store
from terakoya.text.analyser import Analyser
from terakoya.types import Filter, Hit

GLOSSARY = """# 用語集

## 単一障害点 | Single Point of Failure | SPOF

- そこが壊れると全体が止まってしまう箇所

## 二要素認証 | Two-Factor Authentication | 2FA

- 2種類を組み合わせる
"""
NOTES = {
    "glossary.md": GLOSSARY,
    "ja.md": "# 運用\n\n## 構成\n\n- ロードバランサが単一障害点になっていた\n\n"
    "## 画面\n\n- 管理画面は二要素認証を必須にした\n",
    "en.md": "# Operations\n\n## Backups\n\nThe nightly job was our SPOF until March.\n",
    "other.md": "# Other\n\nA failure of the single network. The point is that the factor is two.\n\n出汁で決まる。\n",
}


@pytest.fixture
def search(store: Store, analyser: Analyser, write, sync):
    """Hits of a query over the notes, best first."""

    def hits(query: str, notes: dict[str, str] | None = None, **how) -> list[Hit]:
        sync(write(NOTES if notes is None else notes))
        return list(HybridRetriever(store, analyser, None).search(query, **how).hits)

    return hits


def holding(hits: list[Hit], text: str) -> int:
    """Place of the first hit that holds `text`, from 1."""
    return next(place for place, hit in enumerate(hits, 1) if text in hit.passage.text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Where did we have a single point of failure?", "ロードバランサが単一障害点"),
        ("two factor authentication", "管理画面は二要素認証"),
        ("夜間ジョブの単一障害点はいつまで？", "nightly job was our SPOF"),
    ],
)
def test_a_question_finds_a_note_that_names_the_thing_otherwise(search, query: str, text: str) -> None:
    hits = search(query)
    assert holding(hits, text) <= 3
    without = search(query, NOTES | {"glossary.md": "# 用語集\n"})
    assert not any(text in hit.passage.text for hit in without[:2])


def test_a_passage_with_the_query_s_own_words_scores_as_without_other_names(
    store: Store, analyser: Analyser, search
) -> None:
    query = "単一障害点"
    hits = {hit.passage.text: hit for hit in search(query)}
    own = next(hit for text, hit in hits.items() if "ロードバランサ" in text)
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM aliases")
    again = HybridRetriever(store, analyser, None).search(query).hits
    assert own.score == next(hit.score for hit in again if hit.passage == own.passage)
    assert own.aliases == {}


def test_parts_of_another_name_are_worth_nothing(search) -> None:
    hits = search("SPOF")
    assert "other.md" not in [hit.passage.source for hit in hits if hit.score > 0]


def test_other_names_count_less_than_the_query_s_own(search) -> None:
    notes = {
        "g.md": "- SPOF: Single Point of Failure\n",
        "own.md": "# Note\n\nThe router is a SPOF here.\n",
        "named.md": "# Note\n\nThe router is a single point of failure here.\n",
    }
    hits = search("router SPOF", notes)
    assert holding(hits, "is a SPOF") < holding(hits, "is a single point of failure")


def test_a_filter_holds_for_other_names_too(search) -> None:
    hits = search("single point of failure", filter=Filter(languages=("en",)))
    assert {hit.passage.language for hit in hits} == {"en"}


def test_names_go_with_their_note(store: Store, analyser: Analyser, notes, search, sync) -> None:
    assert holding(search("Where do we require 2FA?"), "管理画面") <= 3
    (notes / "glossary.md").unlink()
    sync(notes)
    assert store.rows("SELECT count(*) FROM aliases") == [(0,)]


def test_a_changed_note_has_its_new_names_alone(store: Store, search) -> None:
    search("2FA")
    search("2FA", {"glossary.md": "## 推論 | Inference\n"})
    assert store.rows("SELECT term FROM aliases ORDER BY entry, term DESC") == [("推論",), ("Inference",)]


def test_notes_that_were_read_before_there_were_names_are_read_again(
    store: Store, search, sync, notes
) -> None:
    search("2FA")
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM aliases")
        cursor.execute("UPDATE notes SET reader = '3'")
    assert Reading().version != "3"
    sync(notes)
    assert store.rows("SELECT count(DISTINCT entry) FROM aliases") == [(2,)]


def test_another_analyser_makes_the_keys_anew(store: Store, analyser: Analyser, search, sync, notes) -> None:
    search("2FA")
    before = store.rows("SELECT term, key FROM aliases ORDER BY ALL")
    with store.transaction() as cursor:
        cursor.execute("UPDATE aliases SET key = 'another'")
        cursor.execute("UPDATE meta SET value = 'another' WHERE key = 'analyser'")
    sync(notes)
    assert store.rows("SELECT term, key FROM aliases ORDER BY ALL") == before


def test_a_hit_says_by_which_name_it_was_found(store: Store, analyser: Analyser, search) -> None:
    search("2FA")
    ranking = HybridRetriever(store, analyser, None).search("Where do we require 2FA?")
    explained = Explainer(store, analyser, frozenset()).explain(ranking)
    (hit,) = [hit for hit in explained.hits if "管理画面" in hit.passage.text]
    assert hit.aliases == {"2FA": "二要素認証"}
    assert hit.explanation is not None
    reasons = {reason.key: reason.values for reason in hit.explanation.reasons}
    assert reasons["alias"] == {"names": "2FA = 二要素認証"}
    assert "no_words" not in reasons
