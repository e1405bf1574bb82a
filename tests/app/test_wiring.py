"""The installation: notes in, questions answered, everything traced, in one home."""

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from running import clean_environment

from app.installation import Installation
from app.settings import Settings
from app.tracing import SpanRecord, read_trace
from app.wiring import Wiring, open_installation
from terakoya.api import MAX_QUESTION, FeedbackRequest
from terakoya.errors import BadInput, Busy, NotFound, Unavailable
from terakoya.types import Filter

NOTES = {
    "biology/cell.md": "# 細胞\n\n- ミトコンドリア: 呼吸を担う細胞小器官\n- 葉緑体: 光合成を行う細胞小器官\n",
    "network.md": "# Networking\n\nTCP is a protocol that guarantees order.\nUDP is a protocol that favours speed.\n",
}


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, embedder="none", model="")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for path, text in NOTES.items():
        (tmp_path / "notes" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "notes" / path).write_text(text, encoding="utf-8")
    return tmp_path / "notes"


@pytest.fixture
def installation(settings: Settings, notes: Path) -> Iterator[Installation]:
    opened = open_installation(settings, write=True)
    opened.ingest([notes])
    yield opened
    opened.close()


def traced(installation: Installation, trace_id: str) -> list[Any]:
    assert installation.tracer.flush(10)
    return read_trace(installation.settings.traces_path, trace_id)


def test_the_terms_of_the_question_are_marked_in_its_citations_and_still_are_in_the_thread(
    installation: Installation,
) -> None:
    outcome = installation.ask("ミトコンドリアとは何ですか？", effort="fast")
    (citation,) = outcome.citations
    assert [citation.quote[start:end] for start, end in citation.marks] == ["ミトコンドリア"]
    (turn,) = installation.thread(outcome.thread_id).turns
    assert turn.result
    assert [tuple(span) for span in turn.result.citations[0].marks] == list(citation.marks)


def test_the_terms_of_what_a_follow_up_refers_to_are_marked(installation: Installation) -> None:
    first = installation.ask("ミトコンドリアとは何ですか？", effort="fast")
    second = installation.ask("それは何をつくりますか？", effort="fast", thread_id=first.thread_id)
    assert second.citations
    for citation in second.citations:
        marked = [citation.quote[start:end] for start, end in citation.marks]
        assert "ミトコンドリア" in marked


def test_a_search_explains_itself_where_it_is_asked_to(installation: Installation) -> None:
    (hit, *_) = installation.search("葉緑体とミトコンドリア", k=1, explain=True).hits
    assert hit.explanation
    assert {match.term for match in hit.explanation.matches} >= {"ミトコンドリア"}
    assert installation.search("葉緑体", k=1).hits[0].explanation is None


def test_a_filter_that_names_what_is_not_there_is_refused(installation: Installation) -> None:
    (hit,) = installation.search("protocol", k=1, filter=Filter(languages=("en",))).hits
    assert hit.passage.source == "network.md"
    assert (
        installation.search("protocol zebra", filter=Filter(folders=("biology",), languages=("en",))).hits
        == ()
    )
    with pytest.raises(NotFound, match="`geology`"):
        installation.search("protocol", filter=Filter(folders=("geology",)))


def test_a_search_in_vain_suggests_another_spelling(installation: Installation) -> None:
    assert installation.search("guarantes").suggestions == ("guarantees",)
    assert installation.search("guarantees").suggestions == ()


def test_related_passages_and_duplicates_come_from_the_store(
    installation: Installation, settings: Settings, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for name in ("a.md", "b.md"):
        (copies / name).write_text(
            f"# {name}\n\nA protocol is a set of rules for messages between machines.\n"
        )
    installation.ingest([copies])
    (group,) = installation.duplicates(0.7)
    assert {note.source for note in group.notes} == {"copies/a.md", "copies/b.md"}
    (hit, *_) = installation.related("copies/a.md", 3, explain=True).hits
    assert hit.passage.source == "copies/b.md"
    assert hit.explanation


def test_a_question_is_answered_with_the_lines_it_stands_on(installation: Installation) -> None:
    outcome = installation.ask("ミトコンドリアとは何ですか？", effort="fast")
    assert outcome.answered
    (citation,) = outcome.citations
    assert (citation.source, citation.start_line, citation.end_line) == ("biology/cell.md", 3, 3)
    assert citation.quote == "- ミトコンドリア: 呼吸を担う細胞小器官"
    assert (outcome.question, outcome.model, outcome.effort) == (
        "ミトコンドリアとは何ですか？",
        "extractive",
        "fast",
    )
    assert len(outcome.trace_id) == 32
    assert outcome.thread_id


STEPS = ["guard", "standalone", "plan", "retrieve", "grade", "answer", "verify", "finish"]


def test_timings_name_the_steps_in_milliseconds_and_the_total(installation: Installation) -> None:
    timings = installation.ask("What is TCP?").timings
    assert set(timings) == {*STEPS, "total"}
    assert all(ms >= 0 for ms in timings.values())
    assert sum(ms for name, ms in timings.items() if name != "total") <= timings["total"] + 1


def test_what_the_notes_do_not_say_is_not_answered(installation: Installation) -> None:
    outcome = installation.ask("エベレストの標高は？")
    assert not outcome.answered
    assert outcome.answer


def test_a_listener_hears_the_steps_the_text_and_the_checked_text(installation: Installation) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    outcome = installation.ask("What is TCP?", listen=lambda kind, data: heard.append((kind, data)))
    steps = [data["name"] for kind, data in heard if kind == "step"]
    assert steps == STEPS
    assert "".join(data["text"] for kind, data in heard if kind == "token") == outcome.answer
    assert heard[-1] == ("replace", {"text": outcome.answer})


def test_the_spans_of_a_question_are_nested_under_one_root(installation: Installation) -> None:
    outcome = installation.ask("What is TCP?", thread_id="t1")
    records = traced(installation, outcome.trace_id)
    root, *spans = [r for r in records if isinstance(r, SpanRecord)]
    assert (root.type, root.name, root.thread_id, root.input) == ("trace", "ask", "t1", "What is TCP?")
    assert root.output == outcome.answer
    assert {"answered", "extractive", "en"} <= set(root.tags)
    assert root.metadata["cited"] == [f"{c.source}:{c.start_line}-{c.end_line}" for c in outcome.citations]
    by_id = {span.span_id: span for span in (root, *spans)}
    above = {span.name: by_id[span.parent_id].name for span in spans}
    assert above == {
        "guard": "ask",
        "standalone": "ask",
        "plan": "ask",
        "grade": "ask",
        "retrieve": "ask",
        "search": "retrieve",
        "answer": "ask",
        "extractive": "answer",
        "verify": "ask",
        "suspicions": "verify",
        "finish": "ask",
    }
    assert {span.name: span.kind for span in spans}["search"] == "retriever"
    assert all(root.start <= span.start <= span.end <= root.end for span in spans)


def test_a_question_that_fails_is_traced_as_failed(installation: Installation, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("store_empty", path="x")

    monkeypatch.setattr(installation.wiring.retriever._lexical, "find", refuse)
    with pytest.raises(Unavailable):
        installation.ask("What is TCP?")
    assert installation.tracer.flush(10)
    lines = [
        json.loads(line)
        for file in installation.settings.traces_path.iterdir()
        if file.suffix == ".jsonl"
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    failed = [line for line in lines if line.get("level") == "ERROR"]
    assert {line["name"] for line in failed} >= {"ask", "retrieve"}


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("", "question_empty"),
        (" \n\u3000", "question_empty"),
        ("\x00\x1b", "question_empty"),
        ("a" * 100_000, "question_long"),
        ("光" * (MAX_QUESTION + 1), "question_long"),
    ],
)
def test_a_question_that_cannot_be_asked_is_bad_input(
    installation: Installation, question: str, key: str
) -> None:
    with pytest.raises(BadInput) as caught:
        installation.ask(question)
    assert caught.value.key == key
    assert installation.threads() == []


@pytest.mark.parametrize(
    "question",
    ["？", "😀", "'; DROP TABLE notes; --", "\ud800とは？", "(" * 3000, "word " * 4000, "{x} {0} %s"],
)
def test_any_other_question_gets_an_outcome(installation: Installation, question: str) -> None:
    assert installation.ask(question).answer
    assert len(installation.notes()) == len(NOTES)


def test_a_follow_up_is_about_what_came_before(installation: Installation) -> None:
    first = installation.ask("What is TCP?")
    second = installation.ask("What does it guarantee?", thread_id=first.thread_id)
    assert second.thread_id == first.thread_id
    assert second.answered
    assert "guarantees order" in second.answer
    thread = installation.thread(first.thread_id)
    assert [turn.question for turn in thread.turns] == ["What is TCP?", "What does it guarantee?"]
    assert thread.turns[0].result
    assert thread.turns[0].result.answer == first.answer
    assert [(t.thread_id, t.title) for t in installation.threads()] == [(first.thread_id, "What is TCP?")]


def test_an_unknown_thread_or_note_is_not_found(installation: Installation) -> None:
    with pytest.raises(NotFound):
        installation.thread("none")
    with pytest.raises(NotFound):
        installation.note("none.md")


def test_questions_in_several_threads_at_once_are_answered_alike(installation: Installation) -> None:
    questions = ["What is TCP?", "ミトコンドリアとは？", "エベレストの標高は？", "What is UDP?"] * 5
    with ThreadPoolExecutor(6) as pool:
        together = [(o.answer, o.answered) for o in pool.map(installation.ask, questions)]
    alone = {q: installation.ask(q) for q in set(questions)}
    assert together == [(alone[q].answer, alone[q].answered) for q in questions]
    assert len(installation.threads()) == len(questions) + len(alone)


def test_parts_are_built_once_whoever_comes_first(installation: Installation) -> None:
    names = ("vectors", "asker", "retriever", "tracer", "threads")
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(30):
            fresh = Wiring(installation.settings, installation.wiring.store, deliver=False)
            start = threading.Barrier(len(names) * 2)
            built: list[tuple[str, int]] = []

            def need(name: str, of: Wiring = fresh, start=start, built=built) -> None:
                start.wait(30)
                built.append((name, id(getattr(of, name))))

            started = [threading.Thread(target=need, args=(name,), daemon=True) for name in names * 2]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join(30)
            assert not any(thread.is_alive() for thread in started)
            assert len(set(built)) == len(names)
            fresh.tracer.close()
            fresh.threads.close()
    finally:
        sys.setswitchinterval(before)


def test_a_thumb_is_kept_and_scored_on_the_trace(installation: Installation) -> None:
    trace = installation.ask("What is TCP?").trace_id
    for value in (1, 0):
        installation.feedback(FeedbackRequest(trace_id=trace, value=value, comment="残念"))
    scores = [r for r in traced(installation, trace) if not isinstance(r, SpanRecord)]
    thumbs = [s for s in scores if s.name == "user-feedback"]
    assert [(s.value, s.comment) for s in thumbs] == [(0.0, "残念")]
    assert installation.wiring.store.rows("SELECT trace_id, value FROM feedback") == [(trace, 0)]


def test_notes_are_listed_and_shown(installation: Installation) -> None:
    cell, network = installation.notes()
    assert (cell.source, cell.title, cell.language, cell.chunks) == ("biology/cell.md", "細胞", "ja", 1)
    assert installation.note("network.md").text == NOTES["network.md"]
    assert network.characters == len(NOTES["network.md"])


def test_an_ingest_reports_what_it_did_and_what_it_could_not_read(
    installation: Installation, notes: Path
) -> None:
    (notes / "binary.md").write_bytes(b"\x00\x01" * 500)
    (notes / "network.md").unlink()
    report = installation.ingest([notes])
    assert (report.added, report.deleted, report.unchanged) == ([], ["network.md"], 1)
    assert [(p.path, p.code) for p in report.problems] == [("binary.md", "note_binary")]
    assert "binary.md" in report.problems[0].message


def test_the_limit_on_a_note_s_size_is_that_of_the_settings(home: Path, notes: Path) -> None:
    opened = open_installation(Settings(home=home, embedder="none", max_note_mb=0.00006), write=True)
    report = opened.ingest([notes])
    opened.close()
    assert [p.code for p in report.problems] == ["note_large", "note_large"]


def test_status_counts_notes_and_passages(installation: Installation) -> None:
    status = installation.status()
    assert (status.notes, status.chunks, status.home) == (2, 2, str(installation.settings.home))
    assert status.checks


def test_the_home_is_for_its_owner_only(installation: Installation) -> None:
    assert stat.S_IMODE(installation.settings.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(installation.settings.store_path.stat().st_mode) == 0o600


def test_reading_needs_a_store_and_makes_none(settings: Settings) -> None:
    with pytest.raises(Unavailable) as caught:
        open_installation(settings)
    assert (caught.value.key, caught.value.exit_code) == ("store_empty", 3)
    assert not settings.home.exists()


def test_what_was_closed_can_be_opened_for_reading(installation: Installation, settings: Settings) -> None:
    installation.close()
    again = open_installation(settings)
    assert again.search("TCP").hits[0].passage.source == "network.md"
    assert again.ask("What is TCP?").answered
    again.close()


HOLD = """
import sys
from pathlib import Path
from app.settings import Settings
from app.wiring import open_installation
held = open_installation(Settings(home=Path(sys.argv[1]), embedder="none"), write=True)
print("open", flush=True)
sys.stdin.read()
held.close()
"""


def test_a_home_that_another_process_writes_to_is_busy(settings: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        for write in (True, False):
            with pytest.raises(Busy) as caught:
                open_installation(settings, write=write)
            assert caught.value.exit_code == 3
        process.communicate("")
    open_installation(settings, write=True).close()


def test_a_model_file_that_is_missing_is_told(home: Path, notes: Path) -> None:
    opened = open_installation(
        Settings(home=home, embedder="none", model=str(home / "none.gguf")), write=True
    )
    opened.ingest([notes])
    with pytest.raises(BadInput) as caught:
        opened.ask("What is TCP?")
    opened.close()
    assert caught.value.key == "model_missing"
