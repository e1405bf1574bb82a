"""Conversations in the terminal, in this process and over HTTP."""

import json

import pytest


@pytest.fixture(params=["here", "over http"])
def run(request, terakoya):
    if request.param == "over http":
        request.getfixturevalue("own_service")
    return terakoya


def test_what_was_left_unanswered_is_listed_below_its_conversation(run):
    listed = run("thread", "list", "--unfinished")
    assert listed.returncode == 0, listed.err
    assert listed.out.splitlines() == [
        "uuuuuuuuuuuu  2026-11-01 00:00  left",
        "              not answered yet (left): left",
        "              not answered yet (other): other",
    ]
    assert json.loads(run("thread", "--json").out)["state"] == "unfinished"


def test_a_conversation_goes_on_with_its_oldest_question_and_a_question_by_its_id(run):
    for id, question in (("uuuu", "left"), ("other", "other")):
        done = run("thread", "resume", id, "--json")
        assert done.returncode == 0, done.err
        assert json.loads(done.out)["question"] == question


def test_dropping_a_conversation_drops_all_that_was_left_in_it(run):
    done = run("thread", "drop", "u" * 32)
    assert done.err.splitlines() == ["given up: left", "given up: other"]


def test_a_conversation_is_shown_with_what_is_missing(run):
    assert "not answered yet (left): left" in run("thread", "show", "uuu").out


def test_a_conversation_is_shown_with_the_summary_that_a_model_is_told(run):
    shown = run("thread", "show", "uuu").out.splitlines()
    assert "its first 2 questions" in shown[0]
    assert shown[1] == "- Of peas."
    assert json.loads(run("thread", "show", "uuu", "--json").out)["summary"]["turns"] == 2


@pytest.mark.parametrize("action", ["resume", "drop"])
def test_a_conversation_without_anything_unfinished_is_told_apart_from_none(own_service, terakoya, action):
    asked = terakoya("ask", "--thread", "q" * 32, "What did Mendel grow?")
    assert asked.returncode == 0, asked.err
    done = terakoya("thread", action, "qqqq")
    assert (done.returncode, done.out) == (2, "")
    assert f"The conversation `{'q' * 32}` has nothing that was left unfinished." in done.err


@pytest.mark.parametrize("arguments", [("show", "nobody"), ("resume", "nobody"), ("drop", "")])
def test_an_id_of_nothing_is_told(terakoya, arguments):
    done = terakoya("thread", *arguments)
    assert (done.returncode, done.out) == (2, "")
    assert "terakoya thread list" in done.err


def test_a_message_can_be_refused_by_an_option(terakoya):
    done = terakoya("ask", "--second-message", "reject", "What?")
    assert done.returncode == 3
    assert "still answering" in done.err
