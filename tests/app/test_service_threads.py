"""Conversations over HTTP: stopping an answer, branching, going on, and what was asked to be remembered."""

import pytest
from fakes import WORDS

from terakoya.errors import Busy, NotFound


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


def test_what_was_left_unfinished_is_gone_on_with_once_or_dropped(own_service):
    assert [left.id for left in own_service.unfinished()] == ["left", "other"]
    assert [left.question for left in own_service.thread("u" * 32).unfinished] == ["left", "other"]
    started = own_service.go_on("left")
    assert own_service.result(started.run_id)["question"] == "left"
    with pytest.raises(NotFound):
        own_service.go_on("left")
    own_service.drop("other")
    with pytest.raises(NotFound):
        own_service.drop("other")
    assert own_service.unfinished() == []


def test_a_thread_goes_on_with_the_question_that_was_asked_first(own_service):
    started = own_service.resume("u" * 32)
    assert own_service.result(started.run_id)["question"] == "left"
    with pytest.raises(NotFound):
        own_service.resume("f" * 32)


def test_a_thread_keeps_its_choice_of_what_becomes_of_a_second_message(service):
    thread = service.answer("first").thread_id
    service.choose_second_message(thread, "merge")
    assert service.thread(thread).second_message == "merge"
    with pytest.raises(NotFound):
        service.choose_second_message("f" * 32, "merge")


def test_a_message_that_is_refused_begins_no_run(service):
    with pytest.raises(Busy):
        service.ask("second", second_message="reject")


def test_facts_are_told_and_taken_back(service):
    assert [fact.text for fact in service.facts()] == ["試験は7月3日"]
    service.forget_fact(1)
    assert service.facts() == []
    with pytest.raises(NotFound):
        service.forget_fact(1)
