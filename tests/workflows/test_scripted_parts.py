"""The scripted parts: they say what they were told to, and keep what they were asked."""

import pytest
from langchain_core.messages import HumanMessage

from terakoya.errors import Unavailable
from terakoya.types import Draft
from workflows.testing import ScriptedAnswerer, ScriptedChatModel, ScriptedRetriever, citation, passage


def test_a_passage_ends_where_its_text_does() -> None:
    made = passage("一行目\n二行目", start_line=4, start=10)
    assert (made.start_line, made.end_line, made.start, made.end, made.language) == (4, 5, 10, 17, "ja")


def test_a_citation_needs_words_that_stand_there() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        citation(passage("alpha"), "beta")


def test_a_scripted_retriever_finds_what_the_script_says() -> None:
    retriever = ScriptedRetriever(
        known=[passage("a", id="a"), passage("b", id="b")], found={"q": ["b", "gone"]}
    )
    assert [h.passage.id for h in retriever.search("q").hits] == ["b"]
    assert [h.passage.id for h in retriever.search("other", k=1).hits] == ["a"]
    assert retriever.asked == [("q", 10), ("other", 1)]


def test_a_scripted_answerer_that_has_nothing_left_says_so() -> None:
    answerer = ScriptedAnswerer(drafts=[Draft(text="x", answered=True, citations=(), model="m")])
    assert answerer.answer("q", [], emit=lambda piece: None).text == "x"
    with pytest.raises(Unavailable) as caught:
        answerer.answer("q", [], emit=lambda piece: None)
    assert caught.value.key == "script_empty"
    assert [asked.question for asked in answerer.asked] == ["q", "q"]


@pytest.mark.parametrize("reply", ["one two  three\nfour", "日本語 です", " leading", "", "trailing "])
def test_a_scripted_model_streams_its_reply_whole(reply: str) -> None:
    model = ScriptedChatModel(replies=[reply, reply])
    assert "".join(chunk.text for chunk in model.stream([HumanMessage("q")])) == reply
    assert model.invoke([HumanMessage("q2")]).content == reply
    assert [messages[0].content for messages in model.asked] == ["q", "q2"]


def test_a_scripted_model_raises_what_the_script_says() -> None:
    model = ScriptedChatModel(replies=[Unavailable("model_closed", path="m")])
    with pytest.raises(Unavailable):
        model.invoke([HumanMessage("q")])
