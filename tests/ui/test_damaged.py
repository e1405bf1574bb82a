"""A service whose file of conversations is damaged: the page says so, and everything else goes on."""

import pytest
from samples import QUESTION, answer, ask, note


@pytest.fixture
def damaged(service):
    service.notes = [note("tcp.md", "TCP")]
    service.replies[QUESTION] = answer()
    service.damaged = {"code": "threads_damaged", "message": "Begin anew: mv threads.sqlite away"}
    return service


def test_a_question_is_answered_beside_what_is_wrong_with_the_list(damaged, page, settle, shown):
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    assert "every RTT" in shown(app)
    assert [each.value for each in app.sidebar.warning] == ["Begin anew: mv threads.sqlite away"]


def test_the_address_of_a_conversation_leads_to_a_new_one(damaged, page, shown):
    app = page(thread="t1")
    assert "mv threads.sqlite away" in shown(app)
    assert "What would you like to know?" in shown(app)
