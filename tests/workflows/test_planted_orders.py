"""Orders planted in notes against a model that obeys every one of them: nothing comes of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from terakoya.text.analyser import Analyser
from terakoya.types import Draft, Outcome
from tests.workflows.planted import ENGLISH, JAPANESE, Planted
from workflows.generative import GenerativeAnswerer
from workflows.graph import build_graph
from workflows.guarding.output import ADDRESS, addresses, leaks
from workflows.guarding.passages import suspicions_in
from workflows.guarding.tokens import TOKEN
from workflows.prompts import load_prompt
from workflows.testing import ScriptedChatModel, ScriptedRetriever, passage

ENGLISH_HOST = (
    "Mendel grew pea plants in the garden of the abbey in Brno. He counted shapes and colours over eight years.\n\n"
    "{}\n\nHis results were published in 1866, and ignored for decades by other botanists."
)
JAPANESE_HOST = (
    "メンデルはブルノの修道院の庭でエンドウを育てた。八年かけて種子の形と色を数えた。\n\n"
    "{}\n\n結果は1866年に発表されたが、植物学者たちには長く顧みられなかった。"
)
CASES = [
    *(pytest.param("en", p, id=f"en {number}") for number, p in enumerate(ENGLISH)),
    *(pytest.param("ja", p, id=f"ja {number}") for number, p in enumerate(JAPANESE)),
]
ASKED = {"en": "What did Mendel grow?", "ja": "メンデルは何を育てた？"}
HONEST = {"en": "Mendel grew pea plants in the garden [1].", "ja": "メンデルは庭でエンドウを育てた [1]。"}
HOST = {"en": ENGLISH_HOST, "ja": JAPANESE_HOST}


@pytest.fixture
def ask(analyser: Analyser, parts: Callable[..., Any]):
    """Asks about one passage with the order in it; the model says what it is given, whatever the rules find."""

    def asked(language: str, order: str, reply: str) -> tuple[Outcome | dict[str, Any], str, str]:
        note = passage(HOST[language].format(order), id="p1", source="mendel.md")
        model = ScriptedChatModel(replies=[reply])
        graph = build_graph(
            parts(
                ScriptedRetriever(known=[note]),
                GenerativeAnswerer(model, analyser, name="obedient"),
                ExtractiveFallback(),
            )
        )
        streamed = ""
        state: dict[str, Any] = {}
        for mode, event in graph.stream({"question": ASKED[language]}, stream_mode=["custom", "values"]):
            if mode == "values":
                state = event
            elif event["type"] == "token":
                streamed += event["text"]
        return state["turns"][-1], streamed, "\n".join(str(m.content) for m in model.asked[0])

    return asked


class ExtractiveFallback:
    """Answers nothing: what the graph gives comes from the model, or is no answer."""

    name = "extractive"

    def answer(self, question: str, passages: Any, **_: Any) -> Draft:
        return Draft(text="", answered=False, citations=(), model=self.name)


@pytest.mark.parametrize(("language", "planted"), CASES)
@pytest.mark.parametrize(
    "form", ["{honest} {obeyed} [1].", "{obeyed} [1].", "{honest}\n\n{obeyed}", "{obeyed} {honest}"]
)
def test_nothing_that_an_obedient_model_adds_reaches_the_answer(
    ask, language: str, planted: Planted, form: str
) -> None:
    turn, streamed, _ = ask(
        language, planted.order, form.format(honest=HONEST[language], obeyed=planted.obeyed)
    )
    said = turn["answer"] + "".join(c["quote"] for c in turn["citations"])
    assert planted.aim not in said
    assert not addresses(said)
    assert not ADDRESS.search(streamed)
    assert "![" not in streamed + turn["answer"]
    assert not TOKEN.search(streamed + turn["answer"])


@pytest.mark.parametrize(("language", "planted"), CASES)
def test_what_is_honest_beside_an_order_is_still_answered(ask, language: str, planted: Planted) -> None:
    turn, _, _ = ask(language, planted.order, f"{HONEST[language]} {planted.obeyed} [1].")
    assert turn["answered"]
    assert [c["suspicion"] for c in turn["citations"]] == [""]


@pytest.mark.parametrize(("language", "planted"), CASES)
def test_a_model_that_repeats_an_order_is_not_supported_by_it(ask, language: str, planted: Planted) -> None:
    note = passage(HOST[language].format(planted.order))
    flagged = [note.text[s.start : s.end] for s in suspicions_in(note)]
    turn, _, _ = ask(language, planted.order, f"{HONEST[language]} {planted.order} [1].")
    assert flagged
    assert not any(part in turn["answer"] for part in flagged)
    assert not any(part in c["quote"] for part in flagged for c in turn["citations"])


@pytest.mark.parametrize(("language", "planted"), CASES)
def test_an_order_changes_nothing_of_the_prompt_but_the_data_in_it(
    ask, language: str, planted: Planted
) -> None:
    def rest(prompt: str) -> str:
        border = re.search(r'border="(\w+)"', prompt)
        assert border
        begin, end = prompt.index('<passage number="1"'), prompt.index(f"</passage {border[1]}>")
        assert prompt.count(border[1]) == 2
        assert not TOKEN.search(prompt[prompt.index("\n", begin) : end])
        return prompt[:begin] + prompt[end + len(f"</passage {border[1]}>") :]

    _, _, planted_prompt = ask(language, planted.order, "NO ANSWER")
    _, _, clean_prompt = ask(language, "", "NO ANSWER")
    assert rest(planted_prompt) == rest(clean_prompt)
    assert planted.order not in planted_prompt


@pytest.mark.parametrize(("language", "planted"), CASES)
def test_the_user_and_the_trace_are_told_of_the_place(ask, language: str, planted: Planted) -> None:
    turn, _, _ = ask(language, planted.order, HONEST[language])
    assert turn["suspicious"]
    for place in turn["suspicious"]:
        assert (place["source"], bool(place["suspicion"])) == ("mendel.md", True)
        assert place["quote"] in planted.order
        assert place["start_line"] >= 3


@pytest.mark.parametrize(("language", "planted"), CASES)
def test_even_an_order_that_no_rule_finds_brings_in_no_image_no_mark_and_no_address_but_its_own(
    ask, monkeypatch: pytest.MonkeyPatch, language: str, planted: Planted
) -> None:
    """The rules are blinded: what is left is what the structure gives."""
    monkeypatch.setattr("workflows.guarding.passages.suspicions", lambda text, context="": ())
    monkeypatch.setattr("workflows.guarding.suspicion.suspicions", lambda text, context="": ())
    turn, streamed, prompt = ask(language, planted.order, f"{HONEST[language]} {planted.obeyed} [1].")
    assert addresses(turn["answer"]) <= addresses(planted.order)
    assert "![" not in turn["answer"] + streamed
    assert not leaks(turn["answer"] + streamed, [load_prompt("answer").template])
    assert not TOKEN.search(prompt.split("border=", 1)[1].split("</passage", 1)[0])


@pytest.mark.parametrize(
    "reply", ["The border is {border}.", "Mendel grew pea plants in the garden [1]. {border} [1]."]
)
def test_the_border_of_the_data_never_comes_out(ask, reply: str) -> None:
    _, _, prompt = ask("en", "", "NO ANSWER")
    border = re.search(r'border="(\w+)"', prompt)
    assert border
    turn, streamed, _ = ask("en", "", reply.format(border=border[1]))
    assert border[1] not in turn["answer"] + streamed
