"""Replies taken apart while they are streamed: thoughts, answer, calls of tools."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.calls import Calls, ToolCall, parse
from app.models.reasoning import Reasoning
from app.models.reply import Reply

TOOLS = frozenset({"search", "add-note"})
CALL = ToolCall("search", {"query": "お茶", "k": 3})
ARGUMENTS = json.dumps(CALL.arguments, ensure_ascii=False)
WRITTEN = {
    "hermes": f'<tool_call>\n{{"name": "search", "arguments": {ARGUMENTS}}}\n</tool_call>',
    "hermes, cut off": f'<tool_call>\n{{"name": "search", "arguments": {ARGUMENTS}}}',
    "qwen coder": "<tool_call>\n<function=search>\n<parameter=query>\nお茶\n</parameter>\n"
    "<parameter=k>\n3\n</parameter>\n</function>\n</tool_call>",
    "mistral": f'[TOOL_CALLS][{{"name": "search", "arguments": {ARGUMENTS}}}]',
    "mistral, new": f"[TOOL_CALLS]search[ARGS]{ARGUMENTS}",
    "llama": f'{{"name": "search", "parameters": {ARGUMENTS}}}',
    "llama, tag": f'<|python_tag|>{{"name": "search", "parameters": {ARGUMENTS}}}',
    "phi": f'<|tool_call|>[{{"name": "search", "arguments": {ARGUMENTS}}}]<|/tool_call|>',
    "arguments as text": json.dumps({"name": "search", "arguments": ARGUMENTS}),
}


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(places)]


def streamed(text: str, cuts: list[int], *, thinking: bool = False) -> dict[str, str]:
    reasoning = Reasoning(thinking=thinking)
    parts = [part for piece in pieces(text, cuts) for part in reasoning.feed(piece)]
    parts += reasoning.finish()
    return {kind: "".join(t for k, t in parts if k == kind) for kind in ("reasoning", "answer")}


CUTS = st.lists(st.integers(0, 10_000), max_size=30)


@given(cuts=CUTS)
@pytest.mark.parametrize(("begin", "end"), [("<think>", "</think>"), ("[THINK]", "[/THINK]")])
def test_thoughts_are_told_apart_however_the_text_is_cut(begin: str, end: str, cuts: list[int]) -> None:
    text = f"\n{begin}\nWhat is <b>? 茶 </ {end}\n\n緑茶です。<think> is a tag."
    found = streamed(text, cuts)
    assert found["reasoning"] == "What is <b>? 茶 </ "
    assert found["answer"] == "緑茶です。<think> is a tag."


@given(cuts=CUTS)
def test_thoughts_that_the_template_opened_need_no_opening_mark(cuts: list[int]) -> None:
    assert streamed("hm.\n</think>\n\nYes.", cuts, thinking=True) == {"reasoning": "hm.\n", "answer": "Yes."}


@given(text=st.text(alphabet="<think>/ abc\n茶", max_size=60), cuts=CUTS)
def test_without_marks_everything_is_answer(text: str, cuts: list[int]) -> None:
    if "<think>" not in text:
        assert streamed(text, cuts) == {"reasoning": "", "answer": text}


def test_thoughts_that_never_end_are_no_answer() -> None:
    assert streamed("<think>and on and on", []) == {"reasoning": "and on and on", "answer": ""}


@pytest.mark.parametrize("kind", WRITTEN)
def test_calls_are_understood_as_the_common_templates_write_them(kind: str) -> None:
    assert parse(WRITTEN[kind], TOOLS).calls == (CALL,)
    assert parse(WRITTEN[kind], TOOLS).text == ""


@pytest.mark.parametrize("kind", WRITTEN)
@settings(max_examples=30)
@given(cuts=CUTS)
def test_calls_are_understood_however_they_are_cut(kind: str, cuts: list[int]) -> None:
    calls = Calls(TOOLS)
    before = "" if kind in ("llama", "arguments as text") else "I look < that up. "
    shown = "".join(calls.feed(piece) for piece in pieces(before + WRITTEN[kind], cuts))
    parsed = calls.finish()
    assert shown + parsed.text == before
    assert parsed.calls == (CALL,)


def test_two_calls_in_a_row() -> None:
    text = WRITTEN["hermes"] + "\n" + WRITTEN["hermes"].replace("search", "add-note")
    assert [call.name for call in parse(text, TOOLS).calls] == ["search", "add-note"]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "search", "arguments": {"q": </tool_call>',
        '<tool_call>{"name": "rm", "arguments": {}}</tool_call>',
        "[TOOL_CALLS]nonsense",
        "<tool_call>" + "[" * 5000,
    ],
)
def test_a_call_that_is_none_is_told_as_broken(text: str) -> None:
    parsed = parse(text, TOOLS)
    assert not parsed.calls
    assert len(parsed.broken) == 1


@pytest.mark.parametrize("text", ['{"a": 1} is JSON.', "[1] says so.", "a < b", '{"name": "rm"}'])
def test_json_and_brackets_in_an_answer_stay_in_it(text: str) -> None:
    reply = Reply(TOOLS, thinking=False, plain=False)
    shown = "".join(part for _, part in reply.feed(text))
    rest, called = reply.finish()
    assert shown + "".join(part for _, part in rest) == text
    assert not called.calls


@given(text=st.text(max_size=80), cuts=CUTS)
def test_no_text_is_lost_or_made(text: str, cuts: list[int]) -> None:
    reply = Reply(frozenset(), thinking=False, plain=False)
    parts = [part for piece in pieces(text, cuts) for part in reply.feed(piece)]
    rest, _ = reply.finish()
    said = "".join(t for _, t in (*parts, *rest))
    if "THINK" not in text and "think" not in text:
        assert said == text
