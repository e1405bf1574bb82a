"""Whether weights may be repacked here: tried in a process that may crash, and remembered."""

import sys
from pathlib import Path

import pytest

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.sampling import Sampling
from app.models.selfcheck import SelfCheck, try_out
from tests.app.models.conftest import REPLY

QUESTION: list[ChatMessage] = [{"role": "user", "content": "x"}]


@pytest.fixture
def amx(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nmodel name\t: Xeon 8481C\nflags\t\t: fpu avx2 amx_bf16 amx_tile amx_int8\n\n"
    )
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: EPYC\nflags\t\t: fpu avx2\n\n")
    return path


def test_without_amx_nothing_is_tried(plain: Path, tmp_path: Path) -> None:
    check = SelfCheck(tmp_path / "trials.json", cpuinfo=plain, run=lambda _: pytest.fail("tried"))
    assert check.extra_buffers(tmp_path / "m.gguf", "llama 15")


def test_a_processor_that_nothing_tells_of_does_without(tmp_path: Path) -> None:
    check = SelfCheck(cpuinfo=tmp_path / "none", run=lambda _: pytest.fail("tried"))
    assert not check.extra_buffers(tmp_path / "m.gguf", "llama 15")


@pytest.mark.parametrize(("verdict", "allowed"), [("works", True), ("SIGSEGV", False), ("hung", False)])
def test_what_a_trial_came_to_is_remembered_for_this_kind_of_model(
    amx: Path, tmp_path: Path, verdict: str, allowed: bool
) -> None:
    tried: list[Path] = []

    def run(path: Path) -> str:
        tried.append(path)
        return verdict

    model = tmp_path / "m.gguf"
    for _ in range(3):
        check = SelfCheck(tmp_path / "trials.json", cpuinfo=amx, run=run)
        assert check.extra_buffers(model, "llama 15") is allowed
    assert len(tried) == 1
    check.extra_buffers(model, "qwen3 7")
    assert len(tried) == 2
    assert any("Xeon 8481C" in key and "qwen3 7" in key for key in check.verdicts())


def test_a_record_that_cannot_be_read_is_made_anew(amx: Path, tmp_path: Path) -> None:
    record = tmp_path / "trials.json"
    record.write_text("{broken")
    assert SelfCheck(record, cpuinfo=amx, run=lambda _: "works").extra_buffers(tmp_path, "llama 1")
    assert "works" in record.read_text()


def test_the_trial_evaluates_the_model_in_a_process_of_its_own(tiny_model: Path) -> None:
    assert try_out(tiny_model) == "works"


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import signal; signal.pause()", "hung"),
    ],
)
def test_a_trial_that_crashes_or_hangs_is_survived(tmp_path: Path, program: str, verdict: str) -> None:
    assert try_out(tmp_path, command=(sys.executable, "-c", program), seconds=2) == verdict


@pytest.mark.parametrize("verdict", ["works", "SIGSEGV"])
def test_the_model_is_served_either_way(tiny_model: Path, amx: Path, verdict: str) -> None:
    check = SelfCheck(cpuinfo=amx, run=lambda _: verdict)
    with LocalEngine(tiny_model, threads=1, timeout=60, selfcheck=check) as engine:
        assert "".join(engine.generate(QUESTION, Sampling(temperature=0))) == REPLY
