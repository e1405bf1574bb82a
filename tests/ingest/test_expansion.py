"""Other forms of a query, by what the notes make stand for its terms."""

import pytest

from ingest.expansion import MOST, WEIGHT, Expansion, key_of, keyed
from ingest.store import Store
from terakoya.text.analyser import Analyser


@pytest.fixture
def known(store: Store, analyser: Analyser):
    """A store in which each of these notes has these groups, and the other forms of queries in it."""

    def expansion(*notes: list[tuple[str, ...]]) -> Expansion:
        with store.transaction() as cursor:
            for note, groups in enumerate(notes):
                for entry, group in enumerate(keyed(groups, analyser)):
                    for alias in group:
                        cursor.execute(
                            "INSERT INTO aliases VALUES (?, ?, ?, ?)", [note, entry, alias.term, alias.key]
                        )
        return Expansion(store, analyser)

    return expansion


def texts(expansion: Expansion, query: str) -> list[str]:
    return [variant.text for variant in expansion.variants(query)]


def test_a_term_is_replaced_by_its_other_names_the_other_writing_first(known) -> None:
    expansion = known([("大規模言語モデル", "Large Language Model", "LLM")])
    assert texts(expansion, "What is an LLM?") == [
        "What is an 大規模言語モデル?",
        "What is an Large Language Model?",
    ]
    assert texts(expansion, "大規模言語モデルとは") == ["LLMとは", "Large Language Modelとは"]


@pytest.mark.parametrize(
    ("term", "query"),
    [
        ("サーバー", "サーバの設定"),
        ("Large Language Model", "how large language models work"),
        ("LLM", "ＬＬＭとは"),
        ("Two-Factor Authentication", "two factor authentication"),
        ("two factor authentication", "Two-Factor Authentication"),
        ("最小権限の原則", "最小権限原則とは"),
        ("Mean Time To Repair", "What was the mean time to repair?"),
    ],
)
def test_a_term_is_known_however_it_is_written(known, term: str, query: str) -> None:
    assert len(texts(known([(term, "別名前甲")]), query)) == 1


@pytest.mark.parametrize(
    "query", ["model language large", "言語モデル", "Large. Language. 甲を Model", "largely", ""]
)
def test_a_term_that_does_not_stand_whole_is_left_as_it_is(known, query: str) -> None:
    assert texts(known([("Large Language Model", "大規模言語モデル")]), query) == []


def test_of_terms_that_overlap_the_longest_counts(known) -> None:
    expansion = known([("推論", "inference"), ("推論サーバー", "inference server")])
    assert texts(expansion, "推論サーバーの選び方") == ["inference serverの選び方"]


def test_two_terms_are_first_replaced_together(known) -> None:
    expansion = known([("推論", "inference"), ("量子化", "quantization")])
    assert texts(expansion, "推論と量子化") == [
        "inferenceとquantization",
        "inferenceと量子化",
        "推論とquantization",
    ]


def test_a_term_is_replaced_wherever_it_stands(known) -> None:
    assert texts(known([("推論", "inference")]), "推論と推論") == ["inferenceとinference"]


def test_a_name_that_the_query_has_already_does_not_come_again(known) -> None:
    assert texts(known([("検索拡張生成", "RAG")]), "RAG（検索拡張生成）とは") == []


def test_a_term_of_two_things_counts_half_for_each_and_one_of_three_not_at_all(known) -> None:
    expansion = known(
        [("CI", "Continuous Integration")],
        [("CI", "Confidence Interval", "信頼区間")],
        [("PR", "Pull Request")],
        [("PR", "Public Relations")],
        [("PR", "Proportional Representation")],
    )
    assert {variant.weight for variant in expansion.variants("CI")} == {WEIGHT / 2}
    assert expansion.variants("PR") == ()
    assert [variant.weight for variant in expansion.variants("信頼区間")] == [WEIGHT, WEIGHT]


def test_names_in_two_writings_from_two_notes_are_of_one_thing(known) -> None:
    expansion = known([("RAG", "検索拡張生成")], [("RAG", "Retrieval-Augmented Generation")])
    assert [variant.weight for variant in expansion.variants("RAG")] == [WEIGHT, WEIGHT]


def test_names_of_names_are_not_followed(known) -> None:
    expansion = known([("CI", "Continuous Integration")], [("CI", "信頼区間")])
    assert texts(expansion, "信頼区間の求め方") == ["CIの求め方"]


def test_what_more_notes_say_comes_first(known) -> None:
    expansion = known([("推論", "reasoning")], [("推論", "inference")], [("推論", "inference")])
    assert texts(expansion, "推論") == ["inference", "reasoning"]


def test_there_are_few_forms_of_a_query_however_many_names_it_holds(known) -> None:
    words = ["apple", "bridge", "castle", "desert", "engine", "forest", "garden", "harbour"]
    expansion = known([(word, f"{word} first", f"{word} second", f"{word} third") for word in words])
    variants = expansion.variants(" ".join(words))
    assert len(variants) == MOST
    assert len(variants[0].replaced) == 8


def test_the_same_notes_give_the_same_forms_in_whatever_order_they_came(
    store: Store, analyser: Analyser, known
) -> None:
    groups = [("推論", "inference"), ("推論", "reasoning"), ("量子化", "quantization")]
    first = texts(known([groups[0]], [groups[1]], [groups[2]]), "推論と量子化")
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM aliases")
    assert texts(known([groups[2]], [groups[1]], [groups[0]]), "推論と量子化") == first


def test_changes_of_the_notes_are_seen(store: Store, known) -> None:
    expansion = known([("推論", "inference")])
    assert texts(expansion, "推論") == ["inference"]
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM aliases")
    assert texts(expansion, "推論") == []


@pytest.mark.parametrize(
    ("passage", "stands"),
    [
        ("大規模言語モデルは大きい", True),
        ("大規模な言語のモデル", True),  # particles are no terms
        ("モデル言語規模大", False),
        ("言語モデル", False),
    ],
)
def test_a_form_counts_where_the_other_name_stands_whole(
    known, analyser: Analyser, passage: str, stands: bool
) -> None:
    (variant,) = known([("LLM", "大規模言語モデル")]).variants("LLM")
    assert variant.stands_in([[token.form for token in analyser.tokens(passage)]]) is stands


def test_terms_that_compare_equal_are_one(analyser: Analyser) -> None:
    assert (
        keyed([("サーバー", "サーバ"), ("LLM", "ｌｌｍ", "大規模言語モデル")], analyser)[0][0].term == "LLM"
    )
    assert key_of("Self-Attention", analyser) == key_of("self attention", analyser)
    assert key_of("。", analyser) == ""
