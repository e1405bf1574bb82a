"""Approvals as people give them: over HTTP, and in the terminal."""

import os
import pty
import subprocess
import threading

import pytest
from remembering import ENTITY, PROGRAM, QUESTION, approval, environment, fill, served
from running import until

from app.service.runs import Run
from terakoya.api import AskResult, DecisionRequest
from terakoya.errors import NotFound
from terakoya.types import Approval, Decision, ToolCall


@pytest.fixture
def filled(tmp_path):
    return fill(tmp_path)


@pytest.fixture
def service(filled):
    with served(filled[0]) as client:
        yield client


@pytest.mark.parametrize("verdict", ["approve", "edit", "refuse"])
def test_a_run_waits_for_what_a_person_says(service, filled, verdict):
    graph = filled[1]
    run = service.ask(QUESTION)
    asked = approval(service, run.run_id)
    assert (asked["tool"], asked["server"], asked["reason"]) == (
        "memory__create_entities",
        "memory",
        "changes",
    )
    assert asked["arguments"] == {"entities": [ENTITY]}
    assert not graph.exists()
    assert service.run(run.run_id).status == "running"
    other = {"entities": [{**ENTITY, "name": "ダーウィン"}]} if verdict == "edit" else None
    service.decide(run.run_id, DecisionRequest(call_id=asked["call_id"], verdict=verdict, arguments=other))
    result = AskResult.model_validate(service.result(run.run_id))
    assert result.answered is (verdict != "refuse")
    written = graph.read_text(encoding="utf-8") if graph.exists() else ""
    assert ("メンデル" in written) is (verdict == "approve")
    assert ("ダーウィン" in written) is (verdict == "edit")


def test_a_run_that_asks_nothing_takes_no_decision(service):
    run = service.ask("12 * 3 = ?")
    service.result(run.run_id)
    with pytest.raises(NotFound):
        service.decide(run.run_id, DecisionRequest(call_id="x", verdict="approve"))


def test_where_a_program_cannot_ask_nothing_is_changed(service, filled):
    result = service.answer(QUESTION)
    assert not result.answered
    assert "確認できる人がいません" in result.answer
    assert not filled[1].exists()


def test_calculator_and_calendar_answer_over_http(service):
    assert service.answer("12×34は？").answer.endswith("= 408")
    log = service.answer("What did I study on 2025-07-08?")
    assert log.answered
    assert [(c.source, c.start_line, c.quote) for c in log.citations] == [("log.md", 5, "- VLOOKUP")]


class Terminal:
    """A program in a terminal, with a person who types."""

    def __init__(self, *arguments):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment()
        )
        os.close(slave)
        self.shown = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                piece = os.read(self.master, 4096)
            except OSError:  # the program has ended
                return
            self.shown += piece.decode("utf-8", "replace")

    def type(self, line, *, after):
        until(lambda: after in self.shown)
        os.write(self.master, f"{line}\n".encode())

    def end(self):
        return self.process.wait(120)


@pytest.fixture
def terminal(filled):
    started = []

    def start(*arguments):
        started.append(Terminal("--home", str(filled[0]), *arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        os.close(each.master)


@pytest.mark.parametrize("with_service", [False, True])
def test_the_terminal_shows_the_call_and_asks(terminal, filled, with_service, request):
    if with_service:
        request.getfixturevalue("service")
    asking = terminal("ask", QUESTION)
    asking.type("y", after="[e]")
    assert asking.end() == 0
    assert "memory__create_entities" in asking.shown
    assert "えんどう豆" in asking.shown
    assert "メンデル" in filled[1].read_text(encoding="utf-8")


def test_the_terminal_takes_other_arguments_and_says_what_is_wrong_with_them(terminal, filled):
    asking = terminal("ask", QUESTION)
    asking.type("e", after="[e]")
    asking.type("[1", after="JSON, on one line")
    asking.type("e", after="no JSON object")
    asking.type('{"entities": "many"}', after="no JSON object")
    until(lambda: "この引数では呼び出せません" in asking.shown)
    asking.type("n", after="この引数では呼び出せません")
    assert asking.end() == 0
    assert "何も変更していません" in asking.shown
    assert not filled[1].exists()


def test_without_a_terminal_nothing_is_changed(filled):
    command = [*PROGRAM, "--home", str(filled[0]), "ask", QUESTION]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert "確認できる人がいません" in done.stdout
    assert not filled[1].exists()


def an_approval(call_id="c"):
    call = ToolCall(id=call_id, tool="t", arguments={})
    return Approval(call=call, server="s", about="", reason="changes")


def test_a_run_that_is_cancelled_refuses():
    run = Run("ask")
    run.cancelled.set()
    assert run.ask_person(an_approval()) == Decision(verdict="refuse", asked=False)
    assert run.state().events == 2


def test_only_the_first_decision_counts():
    run, decided = Run("ask"), []
    asking = threading.Thread(target=lambda: decided.append(run.ask_person(an_approval())))
    asking.start()
    until(lambda: run.state().events == 1)
    with pytest.raises(NotFound):
        run.decide("another", Decision(verdict="approve"))
    run.decide("c", Decision(verdict="refuse"))
    with pytest.raises(NotFound):
        run.decide("c", Decision(verdict="approve"))
    asking.join()
    assert [d.verdict for d in decided] == ["refuse"]
