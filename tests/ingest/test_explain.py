"""Explanations: what stands in a hit, by which arm it was found, and why it is where it is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import ingest.explain
from ingest.explain import Explainer
from ingest.search import HybridRetriever
from ingest.store import Store
from terakoya.api import SearchResult
from terakoya.catalogue import LANGUAGES, load, reading_in
from terakoya.text.analyser import Analyser
from terakoya.types import Arm, Explanation, Hit, Passage, Ranking

CORPUS = {
    "keys.md": "# Keys\n\n- A foreign key points at a table.\n- 主キーは行を一意に決める。\n",
    "music.md": "# Music\n\nThe key of C major is a key without sharps.\n",
    "travel.md": "# Foreign travel\n\nPack light. Travel far.\n",
    "food.md": "# 料理\n\n新じゃがいもを使った肉料理。\n",
}


@pytest.fixture
def explained(store: Store, analyser: Analyser, write, sync) -> Callable[[str], Ranking]:
    sync(write(CORPUS))
    explainer = Explainer(store, analyser, frozenset())
    retriever = HybridRetriever(store, analyser, None)
    return lambda query: explainer.explain(retriever.search(query))


def by_source(ranking: Ranking) -> dict[str, tuple[Hit, Explanation]]:
    return {hit.passage.source: (hit, hit.explanation) for hit in ranking.hits if hit.explanation}


def keys(explanation: Explanation) -> list[str]:
    return [reason.key for reason in explanation.reasons]


def test_a_ranking_is_not_changed_by_explaining_it(explained, store: Store, analyser: Analyser) -> None:
    plain = HybridRetriever(store, analyser, None).search("foreign key")
    hits = explained("foreign key").hits
    assert [(hit.passage, hit.score, hit.arms) for hit in hits] == [
        (hit.passage, hit.score, hit.arms) for hit in plain.hits
    ]


def test_every_term_of_the_query_is_found_or_missing_and_the_shares_are_parts_of_one(explained) -> None:
    hits = by_source(explained("foreign key"))
    _, keys_md = hits["keys.md"]
    assert [match.term for match in keys_md.matches] == ["foreign", "key"]
    assert keys_md.share == pytest.approx(1.0)
    assert keys_md.missing == ()
    _, music = hits["music.md"]
    assert [match.term for match in music.matches] == ["key"]
    assert music.missing == ("foreign",)
    assert 0 < music.share < 1


def test_matches_name_the_place_in_the_passage(explained) -> None:
    for hit, explanation in by_source(explained("foreign key 主キー")).values():
        for match in explanation.matches:
            found = {hit.passage.text[start:end].lower() for start, end in match.spans}
            assert all(written.startswith(match.term.lower()) for written in found)
        assert explanation.marks == tuple(
            sorted({(s, e) for s, e in explanation.marks if hit.passage.text[s:e].strip()})
        )


def test_a_term_that_stands_only_above_the_passage_is_said_to(
    store: Store, analyser: Analyser, write, sync
) -> None:
    sync(write({"plants.md": "# 植物の名前\n\n" + "あさがお。" * 400 + "\n\n" + "ひまわり。" * 400 + "\n"}))
    ranking = HybridRetriever(store, analyser, None).search("植物 ひまわり")
    ranking = Explainer(store, analyser, frozenset()).explain(ranking)
    above = [
        hit.explanation
        for hit in ranking.hits
        if hit.explanation and "植物" not in hit.passage.text and hit.passage.heading
    ]
    assert above
    for explanation in above:
        assert "words_above" in keys(explanation)
        assert next(match for match in explanation.matches if match.term == "植物").spans == ()


def test_the_best_sentence_stays_within_one_item(explained) -> None:
    hit, explanation = by_source(explained("foreign table 一意"))["keys.md"]
    start, end = explanation.sentence
    assert "\n" not in hit.passage.text[start:end]
    assert "foreign key points at a table" in hit.passage.text[start:end]
    assert 0 < explanation.sentence_share < explanation.share


def test_the_first_says_that_it_leads_and_the_others_what_the_one_above_has_more(explained) -> None:
    ranking = explained("foreign key")
    first, *others = [hit.explanation for hit in ranking.hits]
    assert "first_by_lexical" in keys(first)
    assert [explanation.ranks for explanation in (first, *others)] == [
        {"lexical": n} for n in range(1, len(ranking.hits) + 1)
    ]
    behind = [reason for e in others for reason in e.reasons if reason.key.startswith("behind")]
    assert len(behind) == len(others)
    missed = [e.missing for e in (first, *others)]
    assert missed[0] == ()
    assert set(missed[1:]) == {("foreign",), ("key",)}
    assert behind[0].key == "behind_terms"
    assert str(behind[0].values["terms"]).startswith(missed[1][0])


def test_where_no_word_stands_pairs_of_characters_are_named(explained) -> None:
    hit, explanation = by_source(explained("肉料亭"))["food.md"]
    if not explanation.matches:
        assert explanation.pairs
        assert "pairs" in keys(explanation)
        assert all(pair in hit.passage.text for pair in explanation.pairs)


def ranking_of(*arms: dict[Arm, float], languages: str = "en") -> Ranking:
    passages = [
        Passage(
            id=f"p{n}",
            source="a.md",
            heading=(),
            ancestors=(),
            start_line=n,
            end_line=n,
            start=0,
            end=9,
            text="Some text about nothing.",
            language="ja" if languages == "ja" else "en",
        )
        for n in range(len(arms))
    ]
    hits = tuple(
        Hit(passage=passage, score=sum(given.values()), arms=given)
        for passage, given in zip(passages, arms, strict=True)
    )
    return Ranking(query="zebra", hits=hits, arms=("lexical", "vector"))


@pytest.mark.parametrize(
    ("arms", "first", "second"),
    [
        (({"lexical": 1, "vector": 0.9}, {"lexical": 0.5, "vector": 0.1}), "first_by_both", "behind_often"),
        (({"lexical": 1, "vector": 0.1}, {"vector": 0.9}), "first_by_lexical", "behind_often"),
        (
            ({"lexical": 0.5, "vector": 0.9}, {"lexical": 1.0, "vector": 0.1}),
            "first_by_vector",
            "behind_meaning",
        ),
        (({"lexical": 0.5, "vector": 0.5}, {"lexical": 0.5, "vector": 0.5}), "first_by_both", "level"),
        (({"lexical": 0.5, "vector": 0.9}, {"lexical": 0.5}), "first_by_both", "behind_meaning"),
    ],
)
def test_the_arm_that_decides_is_named(
    store: Store, analyser: Analyser, arms: tuple[dict[Arm, float], ...], first: str, second: str
) -> None:
    ranking = Explainer(store, analyser, frozenset({"en"})).explain(ranking_of(*arms))
    one, two = (hit.explanation for hit in ranking.hits)
    assert first in keys(one)
    assert keys(two)[-1] == second


@pytest.mark.parametrize(("language", "reason"), [("en", "meaning_far"), ("ja", "meaning_unread")])
def test_a_hit_without_a_vote_by_meaning_says_why(
    store: Store, analyser: Analyser, language: str, reason: str
) -> None:
    ranking = ranking_of({"lexical": 1}, {"lexical": 0.5}, languages=language)
    explainer = Explainer(store, analyser, frozenset({"en"}))
    assert all(reason in keys(hit.explanation) for hit in explainer.explain(ranking).hits)


def test_every_reason_has_a_sentence_in_both_languages(explained) -> None:
    ranking = explained("foreign key 主キー 肉料亭")
    for language in LANGUAGES:
        with reading_in(language):
            hits = SearchResult.of(ranking).hits
        assert all(hit.explain and hit.explain.why for hit in hits)
    code = Path(ingest.explain.__file__).read_text(encoding="utf-8")
    assert {f"why.{key}" for key in re.findall(r'key="(\w+)"', code)} <= load("en").keys()


def test_a_store_without_notes_explains_nothing(store: Store, analyser: Analyser) -> None:
    ranking = Ranking(query="zebra", hits=(), arms=("lexical",))
    assert Explainer(store, analyser, frozenset()).explain(ranking) == ranking
