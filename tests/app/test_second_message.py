"""What becomes of a message while another one of its thread is being answered, over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from remembering import QUESTION, approval, fill, served
from running import until

from terakoya.api import AskResult, DecisionRequest
from terakoya.errors import Busy, TerakoyaError

SECOND = "What did I study on 2025-07-08?"
THIRD = "12×34は？"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("remembering"))


@pytest.fixture(scope="module")
def service(filled):
    with served(filled[0]) as client:
        yield client


@pytest.fixture
def first(service):
    """A run that waits for a person, and what it asks."""
    run = service.ask(QUESTION)
    return run, approval(service, run.run_id)


def refuse(service, first):
    run, asked = first
    service.decide(run.run_id, DecisionRequest(call_id=asked["call_id"], verdict="refuse"))


def steps(service, run):
    """The names of a run's steps as they come."""
    return (event.data["name"] for event in service.events(run.run_id) if event.type == "step")


def result(service, run):
    return AskResult.model_validate(service.result(run.run_id))


def questions(service, thread):
    return [turn.question for turn in service.thread(thread).turns]


def test_a_queued_message_says_that_it_waits_and_is_answered_afterwards(service, first):
    thread = first[0].thread_id
    second = service.ask(SECOND, thread_id=thread, second_message="queue")
    assert next(steps(service, second)) == "waiting"
    assert questions(service, thread) == [QUESTION, SECOND]
    refuse(service, first)
    assert result(service, second).answered
    assert questions(service, thread) == [QUESTION, SECOND]


def test_a_message_that_waits_can_be_withdrawn(service, first):
    thread = first[0].thread_id
    second = service.ask(SECOND, thread_id=thread)
    assert next(steps(service, second)) == "waiting"
    service.cancel(second.run_id)
    with pytest.raises(TerakoyaError) as raised:
        service.result(second.run_id)
    assert raised.value.key == "cancelled"
    refuse(service, first)
    service.result(first[0].run_id)
    assert questions(service, thread) == [QUESTION]


def test_a_refused_message_is_told_so_at_once_in_the_readers_language(service, first):
    thread = first[0].thread_id
    with pytest.raises(Busy, match="This conversation is still answering") as raised:
        service.ask(SECOND, thread_id=thread, second_message="reject")
    assert raised.value.key == "thread_busy"
    refuse(service, first)
    service.result(first[0].run_id)
    assert questions(service, thread) == [QUESTION]
    after = service.ask(SECOND, thread_id=thread, second_message="reject")  # nobody is being answered now
    assert result(service, after).answered


def test_an_interrupting_message_ends_the_one_before_and_nothing_is_called(service, first, filled):
    thread = first[0].thread_id
    second = service.ask(SECOND, thread_id=thread, second_message="interrupt")
    assert not result(service, first[0]).answered  # what it asked counts as refused
    assert result(service, second).answered
    assert questions(service, thread) == [QUESTION, SECOND]
    assert not filled[1].exists()


def test_a_message_is_merged_with_one_that_has_not_begun_and_both_get_one_answer(service, first):
    thread = first[0].thread_id
    second = service.ask(SECOND, thread_id=thread, second_message="merge")
    assert next(steps(service, second)) == "waiting"  # a person is asked about the one before: it has begun
    third = service.ask(THIRD, thread_id=thread, second_message="merge")
    assert next(name for name in steps(service, second) if name != "waiting") == "merged"
    refuse(service, first)
    both = result(service, third)
    assert both.question == f"{SECOND}\n{THIRD}"
    assert result(service, second).trace_id == both.trace_id
    assert questions(service, thread) == [QUESTION, both.question]


def test_the_choice_of_a_thread_counts_where_a_message_makes_none_and_ends_with_the_thread(service, first):
    thread = first[0].thread_id
    service.choose_second_message(thread, "reject")
    assert service.thread(thread).second_message == "reject"
    with pytest.raises(Busy):
        service.ask(SECOND, thread_id=thread)
    waiting = service.ask(SECOND, thread_id=thread, second_message="queue")
    service.choose_second_message(thread, None)
    assert service.thread(thread).second_message == "queue"
    refuse(service, first)
    assert result(service, waiting).answered


def test_many_messages_at_once_are_all_answered_once_and_one_after_the_other(service, first):
    thread = first[0].thread_id
    asked = [f"{number} × 2 = ?" for number in range(2, 10)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda question: service.ask(question, thread_id=thread), asked))
        refuse(service, first)
        answers = list(pool.map(lambda run: result(service, run), runs))
    assert all(answer.answered for answer in answers)
    assert sorted(questions(service, thread)[1:]) == sorted(asked)
    assert until(lambda: not service.unfinished())


def test_a_message_that_still_waits_when_the_service_ends_is_there_for_the_next_one(tmp_path):
    home, _ = fill(tmp_path)
    with served(home) as client:
        run = client.ask(QUESTION)
        approval(client, run.run_id)
        second = client.ask(SECOND, thread_id=run.thread_id)
        assert next(steps(client, second)) == "waiting"
        client.process.terminate()
        client.process.wait(30)
    with served(home) as client:
        (left,) = client.unfinished()
        assert left.question == SECOND
        assert result(client, client.go_on(left.id)).answered
