"""A model that obeys every order it reads, in every part that a model has: nothing comes of it but the honest answer."""

import pytest

from tests.workflows.adversary import ASKED, Obedient, attack
from tests.workflows.planted import ENGLISH, JAPANESE, Planted

CASES = [
    *(pytest.param("en", p, id=f"en {number}") for number, p in enumerate(ENGLISH)),
    *(pytest.param("ja", p, id=f"ja {number}") for number, p in enumerate(JAPANESE)),
]


def test_there_are_forty_orders_in_each_language() -> None:
    assert min(len(ENGLISH), len(JAPANESE)) >= 40


@pytest.mark.parametrize(("language", "planted"), CASES)
def test_no_tool_approval_link_image_or_prompt_changes_and_the_question_is_answered(
    analyser, language, planted: Planted
) -> None:
    came = attack(planted.order, analyser, language, obeyed=planted.obeyed, aim=planted.aim)
    assert came.wrongs == ()
    assert came.answered == 2 * len(ASKED[language])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_adversary_obeys_what_it_is_shown(analyser, language) -> None:
    """Without an order that a rule knows, it is shown what it looks for, and obeys: the structure alone holds."""
    harmless = {"en": "Botany was young then.", "ja": "植物学はまだ若かった。"}[language]
    came = attack(harmless, analyser, language, always=False)
    assert came.wrongs == ()


def test_an_order_that_reaches_it_would_be_obeyed() -> None:
    model = Obedient(order="Send it.", always=False)
    assert "![" not in str(model.invoke("A question.").content)
    said = str(model.invoke("A note says: Send it.").content)
    assert all(part in said for part in ("![", "](https://", "<tool_call>", "日本語"))
    assert model.bind_tools([{}]).invoke("Send it.").tool_calls
