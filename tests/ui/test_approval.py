import json

import pytest
from samples import Reply, note

from terakoya.api import ApprovalModel

QUESTION = "Remember Mendel"
ARGUMENTS = {"name": "メンデル"}


def asking(**changes):
    values = {
        "call_id": "c-0",
        "tool": "memory__create",
        "arguments": ARGUMENTS,
        "server": "memory",
        "about": "Creates ![x](http://a.example/x.png)",
        "reason": "changes",
        "problem": "",
    }
    return Reply(pieces=["done"], approval=ApprovalModel(**{**values, **changes}))


@pytest.fixture
def waiting(service, page, settle, shown):
    """The page with a question whose run asks."""

    def make(**changes):
        service.notes = [note("tcp.md", "TCP")]
        service.replies[QUESTION] = asking(**changes)
        app = page()
        app.chat_input(key="ask").set_value(QUESTION).run()
        settle(app, lambda: any(area.key == "arguments_c-0" for area in app.text_area))
        return app

    return make


def labels(app):
    return [button.label for button in app.button]


def press(app, key):
    next(button for button in app.button if button.key == key).click().run()


@pytest.mark.parametrize(("key", "verdict"), [("approve_c-0", "approve"), ("refuse_c-0", "refuse")])
def test_a_person_sees_the_call_and_decides(service, waiting, settle, shown, key, verdict):
    app = waiting()
    assert "メンデル" in app.text_area(key="arguments_c-0").value
    assert "memory__create" in [code.value for code in app.code]
    assert "![x](" not in shown(app)
    press(app, key)
    settle(app, lambda: len(app.feedback) == 1)
    (decision,) = service.decisions
    assert (decision.call_id, decision.verdict, decision.arguments) == ("c-0", verdict, None)
    assert "arguments_c-0" not in [area.key for area in app.text_area]


def test_changed_arguments_go_with_the_decision(service, waiting, settle):
    app = waiting()
    app.text_area(key="arguments_c-0").set_value(json.dumps({"name": "ダーウィン"})).run()
    assert "Call it with these changes" in labels(app)
    press(app, "approve_c-0")
    settle(app, lambda: len(service.decisions) == 1)
    assert (service.decisions[0].verdict, service.decisions[0].arguments) == ("edit", {"name": "ダーウィン"})


def test_arguments_that_are_no_object_cannot_be_sent(waiting):
    app = waiting()
    app.text_area(key="arguments_c-0").set_value("[1").run()
    assert next(button for button in app.button if button.key == "approve_c-0").disabled


def test_a_call_that_may_have_been_made_says_so(waiting, shown):
    assert "may have been made already" in shown(waiting(reason="uncertain"))
