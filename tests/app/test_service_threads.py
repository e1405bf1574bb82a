"""Conversations over HTTP: stopping an answer, branching, going on, and what was asked to be remembered."""

import pytest
from fakes import WORDS

from terakoya.errors import NotFound


def test_an_answer_that_is_stopped_ends_with_what_was_said(service, tmp_path):
    run = service.ask(f"gate:{tmp_path / 'never'}").run_id
    events = service.events(run)
    for event in events:
        if event.type == "token":
            break
    service.cancel(run)
    result = list(events)[-1].data["result"]
    assert (result["interrupted"], result["answer"]) == (True, "".join(WORDS[:3]))


def test_a_whole_answer_does_not_speak_of_interruption(service):
    assert "interrupted" not in service.result(service.ask("What did Mendel grow?").run_id)


def test_a_branch_is_a_thread_of_its_own(service):
    thread = service.answer("first").thread_id
    service.answer("second", thread_id=thread)
    made = service.branch(thread, 1)
    assert [turn.question for turn in service.thread(made).turns] == ["first"]
    assert len(service.thread(thread).turns) == 2
    with pytest.raises(NotFound):
        service.branch(thread, 9)


def test_what_was_left_unfinished_is_gone_on_with(service):
    started = service.resume("u" * 32)
    assert service.result(started.run_id)["question"] == "unfinished"
    with pytest.raises(NotFound):
        service.resume("f" * 32)


def test_facts_are_told_and_taken_back(service):
    assert [fact.text for fact in service.facts()] == ["試験は7月3日"]
    service.forget_fact(1)
    assert service.facts() == []
    with pytest.raises(NotFound):
        service.forget_fact(1)
