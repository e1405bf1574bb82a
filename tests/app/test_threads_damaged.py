"""A file of conversations that is damaged leaves no question without its answer, and is not shown as empty."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from remembering import served

from app.doctor import diagnose
from app.settings import Settings
from app.wiring import open_installation
from terakoya.api import AskResult, ForgetRequest
from terakoya.client import ServiceRecord
from terakoya.errors import TerakoyaError

QUESTION = "光合成はどこで行われる？"
THREAD = "t" * 32


def no_database(path: Path) -> None:
    path.write_text("no database", encoding="utf-8")


def malformed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096].ljust(len(content), b"\xa5"))


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def undecodable(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE checkpoints SET checkpoint = x'c1c1c1'")


def of_another_shape(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE checkpoints (a INTEGER)")


@pytest.fixture
def kept(home: Path, tmp_path: Path) -> Path:
    """The file of a conversation."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# Biology\n\n光合成は葉緑体で行われる。\n", encoding="utf-8")
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    installation.ingest([notes])
    installation.ask(QUESTION, thread_id=THREAD)
    installation.close()
    return home / "threads.sqlite"


DAMAGE = [no_database, malformed, truncated, undecodable, of_another_shape]


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_cannot_do_without_the_file_names_it_and_what_mends_it(kept, damage):
    damage(kept)
    with served(kept.parent):
        record = ServiceRecord.read(kept.parent)
        headers = {"Authorization": f"Bearer {record.token}", "Accept-Language": "en"}
        for method, path, body in (
            ("GET", "/api/threads", None),
            ("GET", f"/api/threads/{THREAD}", None),
            ("POST", f"/api/threads/{THREAD}/branch", {"turns": 1}),
            ("PUT", f"/api/threads/{THREAD}/second-message", {"second_message": "reject"}),
            ("POST", "/api/notes/forget", {"source": "a.md"}),
        ):
            reply = httpx.request(method, record.address + path, json=body, headers=headers, timeout=60)
            assert (path, reply.status_code, reply.json()["code"]) == (path, 503, "threads_damaged")
            assert f"mv {kept} {kept}.damaged" in reply.json()["message"]


def test_facts_stand_in_it_too(kept):
    no_database(kept)
    with served(kept.parent) as client, pytest.raises(TerakoyaError, match=r"mv .*sqlite\.damaged"):
        client.facts()


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_note_that_it_may_quote_stays_until_it_is_readable_again(kept, damage):
    damage(kept)
    installation = open_installation(Settings(home=kept.parent, embedder="none"), write=True)
    with pytest.raises((TerakoyaError, sqlite3.DatabaseError)):
        installation.forget(ForgetRequest(source="a.md"))
    assert [note.source for note in installation.notes()] == ["a.md"]
    installation.close()
    kept.unlink()
    installation = open_installation(Settings(home=kept.parent, embedder="none"), write=True)
    assert installation.forget(ForgetRequest(source="a.md")).sources == ["a.md"]
    installation.close()


@pytest.mark.parametrize("damage", [no_database, malformed, truncated, of_another_shape])
def test_the_doctor_tells_of_it(kept, damage):
    settings = Settings(home=kept.parent, embedder="none")

    def found():
        return next(check for check in diagnose(settings) if check.name == "threads")

    assert (found().status, str(kept) in found().detail) == ("ok", True)
    damage(kept)
    assert found().status == "problem"
    assert f"mv {kept} {kept}.damaged" in found().detail


@pytest.mark.parametrize("damage", [no_database, malformed])
@pytest.mark.parametrize(
    ("question", "answer"), [(QUESTION, "葉緑体"), ("モナ・リザを描いたのは誰？", "見つかりませんでした")]
)
def test_a_question_is_answered_all_the_same_and_the_list_says_what_mends_it(kept, damage, question, answer):
    damage(kept)
    with served(kept.parent) as client:
        run = client.ask(question)
        events = list(client.events(run.run_id))
        notices = [event.data["message"] for event in events if event.type == "notice"]
        assert any(f"mv {kept} {kept}.damaged" in notice for notice in notices)
        assert answer in AskResult.model_validate(client.result(run.run_id)).answer
        for read in (client.threads, lambda: client.thread("0" * 32)):
            with pytest.raises(TerakoyaError, match=r"mv .*threads\.sqlite .*\.damaged") as raised:
                read()
            assert raised.value.key == "threads_damaged"


@pytest.mark.parametrize("damage", [no_database, malformed])
def test_once_it_is_moved_away_conversations_begin_anew(kept, damage):
    damage(kept)
    kept.rename(kept.with_name("threads.sqlite.damaged"))
    with served(kept.parent) as client:
        run = client.ask(QUESTION)
        assert [event for event in client.events(run.run_id) if event.type == "notice"] == []
        assert len(client.threads()) == 1
