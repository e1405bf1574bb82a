import sqlite3
import subprocess
import sys
import threading

import pytest
from running import clean_environment, until

from app.intents import SqliteIntents
from terakoya.errors import Unavailable
from terakoya.types import ToolCall, ToolResult


def call(id="c", tool="put", **arguments):
    return ToolCall(id=id, tool=tool, arguments=arguments)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "threads.sqlite"


def test_a_call_is_new_then_uncertain_then_finished(path):
    intents = SqliteIntents(path)
    assert intents.before(call()) == "new"
    intents.begin(call())
    assert intents.before(call()) == "uncertain"
    intents.finish(call(), ToolResult(text="完了", failed=True, left_out=3))
    assert SqliteIntents(path).before(call()) == "finished"
    assert SqliteIntents(path).result(call()) == ToolResult(text="完了", failed=True, left_out=3)


def test_a_result_that_is_not_there_is_an_error(path):
    with pytest.raises(LookupError):
        SqliteIntents(path).result(call())


def test_a_call_under_way_here_is_no_doubt_about_another(path):
    intents = SqliteIntents(path)
    intents.begin(call("a", n=1))
    assert not intents.doubtful(call("b", n=1))
    intents.lose(call("a", n=1))
    assert intents.doubtful(call("b", n=1))
    assert not intents.doubtful(call("b", n=2))
    assert not intents.doubtful(call("b", tool="other", n=1))


def test_what_another_process_began_is_doubtful(path):
    SqliteIntents(path).begin(call("a"))
    assert SqliteIntents(path).doubtful(call("b"))


@pytest.mark.parametrize("settle", ["begin", "withdraw"])
def test_a_decision_settles_what_was_doubtful(path, settle):
    intents = SqliteIntents(path)
    intents.begin(call("a"))
    intents.lose(call("a"))
    getattr(intents, settle)(call("b"))
    if settle == "begin":
        intents.finish(call("b"), ToolResult(text=""))
    assert not intents.doubtful(call("c"))
    assert intents.before(call("a")) == "new"


def test_a_process_that_is_killed_in_the_effect_leaves_its_intent(path, tmp_path):
    program = (
        "import sys, time, pathlib; from app.intents import SqliteIntents; from terakoya.types import ToolCall\n"
        "SqliteIntents(pathlib.Path(sys.argv[1])).begin(ToolCall(id='a', tool='put', arguments={}))\n"
        "print('begun', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], env=clean_environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert until(process.stdout.readline).strip() == "begun"
    finally:
        process.kill()
        process.communicate()
    assert SqliteIntents(path).before(call("a")) == "uncertain"
    assert SqliteIntents(path).doubtful(call("b"))


def test_nothing_is_begun_where_it_cannot_be_noted_down(tmp_path):
    folder = tmp_path / "threads.sqlite"
    folder.mkdir()
    with pytest.raises(Unavailable) as refused:
        SqliteIntents(folder).begin(call())
    assert refused.value.key == "intent_unkept"
    assert "`put` was not called" in refused.value.message("en")


def test_the_file_is_for_its_owner_alone(path):
    SqliteIntents(path).begin(call())
    assert path.stat().st_mode & 0o777 == 0o600


def test_several_threads_note_down_at_once(path):
    intents = SqliteIntents(path)

    def work(number):
        one = call(f"c{number}", n=number)
        intents.begin(one)
        intents.finish(one, ToolResult(text=str(number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM intents WHERE state = 'finished'").fetchone() == (16,)
