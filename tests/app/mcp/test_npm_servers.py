"""The client against servers that others wrote."""

import json
import os
import signal
import threading
from dataclasses import replace

import pytest
from running import until

from app.mcp.configuration import ServerConfig
from terakoya.errors import NotSent, Unavailable


def said(toolbox, name, **arguments):
    return toolbox.named(name).call(arguments, language="en")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_files_are_read_and_written_where_the_server_may(box, npm, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "猫.md").write_text("# 猫\n吾輩は猫である", encoding="utf-8")
    toolbox = box(npm("filesystem", notes))
    tools = {tool.name: tool for tool in toolbox.tools()}
    assert not tools["filesystem__read_text_file"].asks
    assert tools["filesystem__write_file"].asks
    assert "吾輩" in said(toolbox, "filesystem__read_text_file", path=str(notes / "猫.md")).text
    said(toolbox, "filesystem__write_file", path=str(notes / "new.md"), content="本文")
    assert (notes / "new.md").read_text(encoding="utf-8") == "本文"
    outside = said(toolbox, "filesystem__read_text_file", path="/etc/passwd")
    assert outside.failed
    assert "Access denied" in outside.text


def test_the_session_stays_open_between_calls(box, npm, tmp_path):
    toolbox = box(npm("memory", env={"MEMORY_FILE_PATH": str(tmp_path / "memory.jsonl")}))
    entity = {"name": "メンデル", "entityType": "人", "observations": ["えんどう豆"]}
    said(toolbox, "memory__create_entities", entities=[entity])
    graph = said(toolbox, "memory__read_graph")
    assert json.loads(graph.text)["entities"][0]["name"] == "メンデル"
    assert len(npm.pids("memory")) == 1


def test_what_the_settings_allow_is_not_asked_for(box, npm, tmp_path):
    config = npm(
        "memory", env={"MEMORY_FILE_PATH": str(tmp_path / "m.jsonl")}, allowed=frozenset({"create_entities"})
    )
    tools = {tool.name: tool for tool in box(config).tools()}
    assert not tools["memory__create_entities"].asks
    assert tools["memory__create_entities"].changes
    assert tools["memory__delete_entities"].asks


def test_a_long_result_is_cut_and_says_by_how_much(box, npm, tmp_path):
    long = tmp_path / "long.txt"
    long.write_text("あ" * 5000, encoding="utf-8")
    toolbox = box(npm("filesystem", tmp_path), characters=100)
    result = said(toolbox, "filesystem__read_text_file", path=str(long))
    assert (len(result.text), result.left_out) == (100, 4900)


def test_pictures_are_told_by_kind_and_size(box, npm):
    result = said(box(npm("everything")), "everything__get-tiny-image")
    assert "[image/png, " in result.text


class Reading:
    """A call that reads a pipe: it is under way when the other end of the pipe opens, and until that is written."""

    def __init__(self, toolbox, pipe, **changed):
        tool = replace(toolbox.named("filesystem__read_text_file"), **changed)
        self.ended = []
        self._pipe = pipe
        self._thread = threading.Thread(target=self._call, args=(tool,))
        self._thread.start()

    def under_way(self):
        return self._pipe.open("w", encoding="utf-8")

    def end(self):
        self._thread.join(120)
        return self.ended[0]

    def _call(self, tool):
        try:
            self.ended.append(tool.call({"path": str(self._pipe)}, language="en"))
        except Unavailable as error:
            self.ended.append(error)


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_server_killed_in_a_call_costs_that_call_and_comes_back(box, npm, tmp_path, pipe):
    toolbox = box(npm("filesystem", tmp_path))
    reading = Reading(toolbox, pipe, changes=True)
    with reading.under_way():
        os.kill(npm.pids("filesystem")[0], signal.SIGKILL)
        lost = reading.end()
    assert lost.key == "mcp_lost"
    assert "not known" in lost.message("en")
    assert not said(toolbox, "filesystem__list_directory", path=str(tmp_path)).failed
    assert len(npm.pids("filesystem")) == 2


def test_a_call_that_changes_nothing_is_made_again_where_the_server_was_killed(box, npm, tmp_path, pipe):
    reading = Reading(box(npm("filesystem", tmp_path)), pipe)
    with reading.under_way():
        os.kill(npm.pids("filesystem")[0], signal.SIGKILL)
        until(lambda: len(npm.pids("filesystem")) == 2)
    with reading.under_way() as file:
        file.write("again")
    assert reading.end().text == "again"


def test_a_server_that_died_between_calls_is_started_again_once(box, npm, tmp_path):
    toolbox = box(npm("memory", env={"MEMORY_FILE_PATH": str(tmp_path / "m.jsonl")}))
    said(toolbox, "memory__read_graph")
    (pid,) = npm.pids("memory")
    os.kill(pid, signal.SIGKILL)
    assert not said(toolbox, "memory__read_graph").failed
    assert len(npm.pids("memory")) == 2


def test_a_call_that_takes_too_long_is_given_up(box, npm):
    toolbox = box(npm("everything"), call=0.5)
    long = next(tool for tool in toolbox.tools() if "long-running" in tool.name)
    with pytest.raises(Unavailable) as slow:
        long.call({"duration": 300, "steps": 2}, language="en")
    assert slow.value.key == "mcp_timeout"
    assert "ok" in said(toolbox, "everything__echo", message="ok").text


def test_a_server_that_is_missing_broken_or_mute_costs_its_tools_alone(box, npm, tmp_path):
    toolbox = box(
        npm("everything"),
        ServerConfig(name="gone", command=str(tmp_path / "no-such-program")),
        ServerConfig(
            name="broken",
            command="sh",
            args=("-c", 'echo "no key: $KEY" >&2; exit 1'),
            env={"KEY": "secret-4711"},
        ),
        ServerConfig(name="away", url="http://127.0.0.1:9/mcp"),
    )
    assert {tool.server for tool in toolbox.tools()} == {"everything"}
    troubles = {error.values["server"]: error.message("en") for error in toolbox.troubles()}
    assert troubles.keys() == {"gone", "broken", "away"}
    assert "no-such-program" in troubles["gone"]
    assert "no key: ***" in troubles["broken"]
    assert all("\n" not in message for message in troubles.values())


def test_a_server_that_never_answers_is_given_up_and_left_alone(box):
    toolbox = box(ServerConfig(name="mute", command="sleep", args=("600",)), start=0.5)
    assert toolbox.tools() == []
    assert toolbox.troubles()[0].key == "mcp_slow"


def test_servers_see_only_the_environment_they_need(box, npm, monkeypatch):
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-secret")
    seen = said(box(npm("everything", env={"OWN": "yes"})), "everything__get-env").text
    assert "OWN" in seen
    assert "sk-secret" not in seen


def test_closing_ends_every_server(box, npm, tmp_path):
    toolbox = box(npm("everything"), npm("filesystem", tmp_path))
    toolbox.tools()
    toolbox.close()
    assert not any(alive(pid) for name in ("everything", "filesystem") for pid in npm.pids(name))
    with pytest.raises(NotSent):
        toolbox._servers["everything"].call(None, {})
