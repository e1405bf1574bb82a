"""The arena with models: real GGUF files as contestants in the service and in the terminal, and as a judge."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Processes, clean_environment, until

from app.booth import Booth
from app.settings import load_settings
from app.wiring import open_installation
from terakoya.api import DuelRequest, VoteRequest
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, Unavailable
from tests.gguf import tiny_gguf

NOTE = "# Bread\n\nBread needs yeast to rise. Bread is baked in an oven.\n"
QUESTION = "What does bread need?"
YEAST = "Bread needs yeast to rise. [1]"
OVEN = "Bread is baked in an oven. [1]"
SUITE = """\
name: kitchen
notes: notes
cases:
  - {id: bread, question: What does bread need?, must_not: [zebra]}
  - {id: oven, question: Where is bread baked?, must_not: [zebra]}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name, reply in (("yeast", YEAST), ("oven", OVEN)):
        tiny_gguf(folder / f"{name}.gguf", context=2048, reply=reply)
    tiny_gguf(folder / "fair.gguf", context=2048, reply='{"reason": "So.", "verdict": "a"}')
    tiny_gguf(folder / "deaf.gguf", context=64, reply="No prompt is short enough for it.")
    return folder


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("suite")
    (place / "notes").mkdir()
    (place / "notes" / "kitchen.md").write_text(NOTE)
    (place / "suite.yaml").write_text(SUITE)
    return place


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, kitchen: Path, models: Path) -> Iterator[ServiceClient]:
    home = tmp_path_factory.mktemp("home")
    written = f'embedder = "none"\nport = 0\ncontext_tokens = 2048\nmodels_folder = "{models}"\n'
    (home / "terakoya.toml").write_text(written, encoding="utf-8")
    installation = open_installation(load_settings(home), write=True)
    installation.ingest([kitchen / "notes"])
    installation.close()
    processes = Processes()
    process = processes.start("-m", "app.cli.program", "--home", home, "serve")

    def look() -> ServiceClient | None:
        assert process.poll() is None, process.communicate()[1]
        return ServiceClient.discover(home, language="en")

    try:
        with until(look) as client:
            yield client
    finally:
        processes.end()


def test_the_page_is_told_what_models_there_are(served: ServiceClient) -> None:
    assert served.arena_models() == ["deaf", "fair", "oven", "yeast", "none"]


def test_two_models_stand_against_one_another_in_the_service(served: ServiceClient) -> None:
    duel = served.duel(QUESTION, "model=yeast", "model=oven passages=4")
    said = {duel.a.answer: "a", duel.b.answer: "b"}
    assert set(said) == {YEAST, OVEN}
    shown = served.vote(duel.duel_id, VoteRequest(verdict="a" if said[YEAST] == "a" else "b"))
    assert {shown.a, shown.b} == {"model=yeast", "model=oven passages=4"}
    assert served.standings()[0].name == "model=yeast"


def test_a_model_stands_against_the_settings_in_use(served: ServiceClient) -> None:
    duel = served.duel(QUESTION, "", "model=oven")
    assert OVEN in {duel.a.answer, duel.b.answer}
    assert not duel.same


def test_no_vote_is_for_what_answered_in_place_of_a_model(
    kitchen: Path, tmp_path: Path, models: Path
) -> None:
    (tmp_path / "short.gguf").write_bytes(
        tiny_gguf(tmp_path / "s.gguf", context=64, reply=YEAST).read_bytes()
    )
    installation = open_installation(load_settings(tmp_path / "home", embedder="none"), write=True)
    try:
        installation.ingest([kitchen / "notes"])
        with pytest.raises(Unavailable, match="could not be asked"):
            Booth(installation).duel(
                DuelRequest(question=QUESTION, second=f"model={tmp_path / 'short.gguf'}")
            )
    finally:
        installation.close()


def test_what_a_side_opened_ends_when_others_take_its_place(
    kitchen: Path, tmp_path: Path, models: Path
) -> None:
    settings = load_settings(tmp_path / "home", embedder="none", context_tokens=2048, models_folder=models)
    installation = open_installation(settings, write=True)
    try:
        installation.ingest([kitchen / "notes"])
        booth = Booth(installation)
        booth.duel(DuelRequest(question=QUESTION, first="model=yeast", second="model=oven"))
        engines = [engine for side in booth._sides.values() for engine in side.wiring.models.engines.values()]
        assert all(engine.worker_pid for engine in engines)
        for count in (2, 3, 4):
            booth.duel(DuelRequest(question=QUESTION, second=f"passages={count}"))
        assert [engine.worker_pid for engine in engines] == [None, None]
        assert booth.duel(DuelRequest(question=QUESTION, second="model=yeast"))
    finally:
        for name in list(booth._sides):
            booth._leave(name)
        installation.close()


def test_a_server_that_the_settings_do_not_name_gets_no_notes(served: ServiceClient) -> None:
    with pytest.raises(BadInput, match=r"away\.example"):
        served.duel(QUESTION, "", "model=openai:big@https://away.example/v1")


def arena(kitchen: Path, home: Path, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-m", "app.cli.program", "--home", home, "--json", "eval", "arena")
    return subprocess.run(
        [str(each) for each in (*command, kitchen / "suite.yaml", *arguments)],
        env=clean_environment(TERAKOYA_EMBEDDER="none", TERAKOYA_CONTEXT_TOKENS="2048"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_a_judge_compares_two_models_in_the_terminal(kitchen: Path, models: Path, tmp_path: Path) -> None:
    named = f"model={models / 'yeast.gguf'},{models / 'oven.gguf'}"
    done = arena(kitchen, tmp_path / "home", "--set", named, "--judge", models / "fair.gguf")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    votes = [line for line in lines if line["type"] == "vote"]
    # it always names the left one: which it turns with the order, so it is a tie
    assert [vote["verdict"] for vote in votes] == ["tie", "tie"]
    assert {line["name"] for line in lines if line["type"] == "standing"} == {
        f"model={models / 'yeast.gguf'}",
        f"model={models / 'oven.gguf'}",
    }


def test_verdicts_of_a_judge_that_cannot_be_read_are_counted(
    kitchen: Path, models: Path, tmp_path: Path
) -> None:
    named = f"model={models / 'yeast.gguf'},{models / 'oven.gguf'}"
    done = arena(kitchen, tmp_path / "home", "--set", named, "--judge", models / "deaf.gguf")
    assert (done.returncode, done.stdout) == (2, b"")
    assert "2 times the judge gave no verdict that can be read" in done.stderr.decode()
    assert "follows instructions" in done.stderr.decode().splitlines()[-1]


def test_a_model_that_cannot_be_asked_takes_part_in_no_duel(
    kitchen: Path, models: Path, tmp_path: Path
) -> None:
    tiny_gguf(tmp_path / "short.gguf", context=64, reply=YEAST)
    done = arena(
        kitchen, tmp_path / "home", "--set", f"model={models / 'oven.gguf'},{tmp_path / 'short.gguf'}"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert "2 questions were not answered" in done.stderr.decode()
