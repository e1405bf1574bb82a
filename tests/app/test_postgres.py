"""Conversations in a real PostgreSQL server: what is told when it fails, what is forgotten, and what is shown."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from running import clean_environment
from slow_answers import PEAS, Waiting, ask, asker_over

from app.checkpoints import ThreadsAway
from app.postgres import PostgresCheckpoints, place_of
from app.settings import Settings, load_settings
from app.threads import Threads
from app.wiring import open_installation
from terakoya.errors import BadInput
from tests.postgres import PASSWORD, QUOTED, USER, PostgresServer, everything
from workflows.testing import ScriptedRetriever

SECRET = "葉緑体は光合成を行う細胞小器官"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TERAKOYA_", "LANGFUSE_", "PG")):
            monkeypatch.delenv(name)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def threads(tmp_path: Path, url: str) -> Iterator[Threads]:
    opened = Threads(tmp_path / "threads.sqlite", server=url)
    yield opened
    opened.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one note."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "cell.md").write_text(f"# 細胞\n\n- {SECRET}です。\n", encoding="utf-8")
    installation = open_installation(Settings(home=tmp_path / "home", embedder="none"), write=True)
    installation.ingest([tmp_path / "notes"])
    installation.close()
    return tmp_path / "home"


def answering() -> Waiting:
    answerer = Waiting()
    answerer.go.set()
    return answerer


def told(
    asker: Any, question: str = "What did Mendel grow?", **given: Any
) -> tuple[Any, list[dict[str, Any]]]:
    notices: list[dict[str, Any]] = []
    outcome = ask(
        asker, question, listen=lambda kind, data: notices.append(data) if kind == "notice" else None, **given
    )
    return outcome, notices


def cli(home: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli.program", "--home", str(home), *arguments],
        env=clean_environment(TERAKOYA_EMBEDDER="none", **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_forgotten_note_and_a_forgotten_conversation_leave_nothing_in_the_tables(
    home: Path, url: str
) -> None:
    from terakoya.api import ForgetRequest

    installation = open_installation(Settings(home=home, embedder="none", threads=url), write=True)
    try:
        for effort in ("deep", "normal"):
            installation.ask("葉緑体は何を行う?", thread_id=f"t-{effort}", effort=effort)
        assert SECRET.encode() in everything(url)
        assert installation.forget(ForgetRequest(source="cell.md")).threads == ["t-deep", "t-normal"]
        assert SECRET.encode() not in everything(url)
        installation.choose_second_message("t-deep", "reject")
        installation.forget(ForgetRequest(source="t-deep"))
        assert b"t-deep" not in everything(url)
        assert [thread.thread_id for thread in installation.threads()] == ["t-normal"]
    finally:
        installation.close()


def test_nothing_is_forgotten_while_the_server_is_away(home: Path, postgres: PostgresServer) -> None:
    from terakoya.api import ForgetRequest

    away = postgres.url("nothing")
    installation = open_installation(Settings(home=home, embedder="none", threads=away), write=True)
    try:
        with pytest.raises(ThreadsAway):
            installation.forget(ForgetRequest(source="cell.md"))
        assert installation.search("葉緑体").hits
    finally:
        installation.close()


def test_what_earlier_checkpoints_held_goes_with_them(threads: Threads, url: str) -> None:
    asking = asker_over(threads, answering())
    ask(asking, "What did Mendel grow?", effort="deep")
    once = len(everything(url))
    for _ in range(5):
        ask(asking, "What did Mendel grow?", effort="deep")
    with psycopg.connect(url) as connection:
        (turns,) = connection.execute(
            "SELECT count(*) FROM checkpoint_blobs WHERE channel = 'turns'"
        ).fetchone() or (0,)
    assert turns == 1
    assert len(everything(url)) < 6 * once


def test_a_server_that_is_down_costs_no_answer_and_one_that_is_back_is_used(tmp_path: Path) -> None:
    server = PostgresServer()
    try:
        url = server.database()
        server.stop()
        threads = Threads(tmp_path / "threads.sqlite", server=url)
        asking = asker_over(threads, answering())
        for effort in ("normal", "deep"):
            outcome, notices = told(asking, effort=effort)
            assert outcome.answered
            (notice,) = notices
            assert notice["code"] == "thread_unkept_server"
            assert f"postgresql://{USER}@127.0.0.1:{server.port}/" in notice["message"]
            assert "TERAKOYA_THREADS" in notice["message"]
            assert PASSWORD not in notice["message"]
            assert QUOTED not in notice["message"]
        with pytest.raises(ThreadsAway):
            threads.latest()
        server.start()
        outcome, notices = told(asking)
        assert (outcome.answered, notices) == (True, [])
        assert len(threads.turns("t")) == 1
        threads.close()
    finally:
        server.close()


@pytest.mark.parametrize("effort", ["normal", "deep"])
def test_a_server_that_goes_away_while_a_question_is_answered_costs_no_answer(
    tmp_path: Path, effort: str
) -> None:
    server = PostgresServer()
    try:
        threads = Threads(tmp_path / "threads.sqlite", server=server.database())
        answerer = Waiting()
        asking = asker_over(threads, answerer, retriever=ScriptedRetriever(known=[PEAS]))
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(told, asking, effort=effort)
            assert answerer.said.wait(60)
            server.stop()
            answerer.go.set()
            outcome, notices = running.result(120)
        assert outcome.answered
        assert outcome.answer == "Peas [1]."
        assert [notice["code"] for notice in notices] == ["thread_unkept_server"]
        threads.close()
    finally:
        server.close()


def test_a_connection_that_broke_between_two_questions_is_made_again(threads: Threads, url: str) -> None:
    asking = asker_over(threads, answering())
    ask(asking, "What did Mendel grow?")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert len(threads.turns("t")) == 1
    assert told(asking, "Where did Mendel live?")[1] == []
    assert len(threads.turns("t")) == 2


def test_a_server_that_says_nothing_costs_no_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://ada:s3cret@127.0.0.1:{silent.getsockname()[1]}/notes?connect_timeout=2"
        threads = Threads(tmp_path / "threads.sqlite", server=url)
        outcome, notices = told(asker_over(threads, answering()))
        threads.close()
    assert outcome.answered
    assert [notice["code"] for notice in notices] == ["thread_unkept_server"]
    assert "s3cret" not in notices[0]["message"]


def refused(url: str) -> str:
    kept = PostgresCheckpoints(url)
    with pytest.raises(ThreadsAway) as caught:
        kept.threads()
    assert caught.value.__cause__ is None
    return caught.value.message("en")


def test_a_wrong_password_a_missing_database_and_later_tables_are_told_in_a_sentence(
    postgres: PostgresServer, url: str
) -> None:
    name = url.rpartition("/")[2]
    said = refused(postgres.url(name, password="hunter2-wrong"))
    assert "password authentication failed" in said
    assert "hunter2-wrong" not in said
    assert "TERAKOYA_THREADS" in said
    assert "does not exist" in refused(postgres.url("nothing"))
    PostgresCheckpoints(url).threads()
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO checkpoint_migrations (v) VALUES (999)")
    later = refused(url)
    assert "999" in later
    assert "pip install" in later


def test_a_user_who_may_not_write_still_gets_answers(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    PostgresCheckpoints(url).threads()
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    threads = Threads(tmp_path / "threads.sqlite", server=url)
    outcome, notices = told(asker_over(threads, answering()))
    assert outcome.answered
    assert [notice["code"] for notice in notices] == ["thread_unkept_server"]
    threads.close()


def test_processes_that_come_first_at_once_make_the_tables_once(url: str) -> None:
    kept = [PostgresCheckpoints(url) for _ in range(6)]
    barrier = threading.Barrier(len(kept))

    def first(each: PostgresCheckpoints) -> list[str]:
        barrier.wait(60)
        return each.threads()

    with ThreadPoolExecutor(len(kept)) as pool:
        assert list(pool.map(first, kept)) == [[]] * len(kept)
    for each in kept:
        each.close()


def test_questions_of_many_conversations_at_once_are_all_kept(threads: Threads) -> None:
    asking = asker_over(threads, answering())
    names = [f"会話{n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda name: ask(asking, "What did Mendel grow?", thread=name), names * 2))
    assert all(outcome.answered for outcome in outcomes)
    assert {thread: len(threads.turns(thread)) for thread in names} == dict.fromkeys(names, 2)
    assert {thread for thread, _, _ in threads.latest()} == set(names)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "postgresql://ada:s3cret@db.example:5433/notes?sslmode=require",
            "postgresql://ada@db.example:5433/notes",
        ),
        ("postgres://db.example/notes?user=ada&password=s3cret", "postgresql://ada@db.example/notes"),
        ("postgresql:///notes?host=/run/postgresql", "postgresql:///run/postgresql/notes"),
        ("host=db.example dbname=notes password=s3cret", "postgresql://db.example/notes"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url", ["s3cret", "mysql://ada:s3cret@db/notes", "postgresql://ada:s3cret@db:port%/x"]
)
def test_what_is_no_address_is_not_told_either(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadInput) as caught:
        Threads(tmp_path / "threads.sqlite", server=url)
    assert caught.value.key == "threads_setting"
    assert "s3cret" not in caught.value.message("en")
    assert caught.value.__suppress_context__


def test_the_secret_is_not_shown_where_settings_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "s3cret" not in repr(Settings(home=tmp_path, threads="postgresql://ada:s3cret@db/notes"))
    (tmp_path / "terakoya.toml").write_text('threads = ["postgresql://ada:s3cret@db/notes"]\n')
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert "s3cret" not in caught.value.message("en")


def test_the_commands_say_where_conversations_lie_and_never_the_password(
    home: Path, url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    asked = cli(home, "ask", "葉緑体は何を行う?", TERAKOYA_THREADS=url)
    assert asked.returncode == 0, asked.stderr
    backup = cli(home, "backup", str(tmp_path / "b.zip"), TERAKOYA_THREADS=url)
    assert "pg_dump" in backup.stdout
    assert place_of(url) in backup.stdout
    checks = cli(home, "--json", "doctor", TERAKOYA_THREADS=url)
    found = [json.loads(line) for line in checks.stdout.splitlines()]
    assert "conversations: 1" in json.dumps(found)
    wrong = postgres.url(url.rpartition("/")[2], password="hunter2-wrong")
    unread = cli(home, "thread", "list", TERAKOYA_THREADS=wrong)
    assert unread.returncode == 3
    assert "password authentication failed" in unread.stderr
    assert "Traceback" not in unread.stderr
    unkept = cli(home, "ask", "葉緑体は何を行う?", TERAKOYA_THREADS=wrong)
    assert unkept.returncode == 0
    assert SECRET in unkept.stdout
    troubled = cli(home, "doctor", TERAKOYA_THREADS=wrong)
    done = (asked, backup, checks, unread, unkept, troubled)
    shown = "".join(each.stdout + each.stderr for each in done)
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for secret in ("hunter2-wrong", PASSWORD, QUOTED):
        assert secret not in shown
        assert secret.encode() not in kept


WITHOUT = """
import sys
sys.modules["psycopg"] = None
from app.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_without_the_packages_the_command_that_installs_them_is_named(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "--home", str(home), "thread", "list"],
        env=clean_environment(TERAKOYA_EMBEDDER="none", TERAKOYA_THREADS="postgresql://ada:s3cret@db/notes"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert "pip install 'terakoya[postgres]'" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
