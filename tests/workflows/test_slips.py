"""A slip of the pen in a name is read as the word of the notes that it comes nearest to."""

from typing import Any

import pytest
from langgraph.runtime import Runtime

from ingest.spelling import Speller
from workflows.extractive import ExtractiveAnswerer
from workflows.nodes import Nodes
from workflows.rewriting import respelled

LOG = {"log.md": "# ログ\n\n## 2025-05-12\n\nLangGraph の入門を終えた。state と reducer を理解した。\n"}


@pytest.mark.parametrize(
    ("question", "spelling"),
    [
        ("Langraphとは？", "LangGraphとは？"),
        ("LangGrahpとは？", "LangGraphとは？"),
        ("What is Bathcing?", "What is Batching?"),
        ("Trasformer's heads?", "Transformer's heads?"),
        ("Transfarmerとは？", "Transformerとは？"),
    ],
)
def test_one_slip_in_a_long_word_is_mended(question: str, spelling: str) -> None:
    assert respelled(question, [spelling]) == [spelling]


@pytest.mark.parametrize(
    ("question", "spelling"),
    [
        ("Llavaとは？", "Llamaとは？"),
        ("Sambaとは？", "Mambaとは？"),
        ("LoRaxとは？", "LoRAとは？"),
        ("Langrapとは？", "LangGraphとは？"),
        ("How many tasks?", "How many Talks?"),
        ("KX15とは？", "KX16とは？"),
        ("メンデルとは？", "メンデレとは？"),
    ],
)
def test_what_may_be_another_name_is_not(question: str, spelling: str) -> None:
    assert respelled(question, [spelling]) == []


def test_a_question_is_asked_again_with_the_word_of_the_notes(parts, taken_in, analyser) -> None:
    retriever = taken_in(LOG)
    answerer = ExtractiveAnswerer(analyser)
    nodes = Nodes(parts(retriever, answerer, speller=Speller(retriever._store, analyser).suggest))
    state: Any = {"standalone": "Langraphで何を理解した？", "queries": ["Langraphで何を理解した？"]}
    update = nodes.rewrite(state, Runtime())
    assert update["others"] == ["LangGraphで何を理解した？"]
    assert update["queries"][0] == "LangGraphで何を理解した？"
    passages = [hit.passage for hit in retriever.search(update["queries"][0]).hits]
    draft = answerer.answer(state["standalone"], passages, others=update["others"], emit=lambda _: None)
    assert "reducer" in draft.citations[0].quote
    assert draft.answered
