"""A file of conversations that is damaged leaves no question without its answer, and is not shown as empty."""

from pathlib import Path

import pytest
from remembering import served

from app.settings import Settings
from app.wiring import open_installation
from terakoya.api import AskResult
from terakoya.errors import TerakoyaError

QUESTION = "光合成はどこで行われる？"


def no_database(path: Path) -> None:
    path.write_text("no database", encoding="utf-8")


def malformed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096].ljust(len(content), b"\xa5"))


@pytest.fixture
def kept(home: Path, tmp_path: Path) -> Path:
    """The file of a conversation."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# Biology\n\n光合成は葉緑体で行われる。\n", encoding="utf-8")
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    installation.ingest([notes])
    installation.ask(QUESTION)
    installation.close()
    return home / "threads.sqlite"


@pytest.mark.parametrize("damage", [no_database, malformed])
def test_a_question_is_answered_all_the_same_and_the_list_says_what_mends_it(kept, damage):
    damage(kept)
    with served(kept.parent) as client:
        run = client.ask(QUESTION)
        events = list(client.events(run.run_id))
        notices = [event.data["message"] for event in events if event.type == "notice"]
        assert any(f"mv {kept} {kept}.damaged" in notice for notice in notices)
        assert "葉緑体" in AskResult.model_validate(client.result(run.run_id)).answer
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
