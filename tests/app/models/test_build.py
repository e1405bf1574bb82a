import json
import os
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.models import build as builder
from app.models.build import EngineState, build, engine_state, require_compiler, require_engine
from terakoya.errors import Unavailable

ROOT = Path(__file__).parents[3]
WAITS_FOR = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)"


def absent() -> None:
    return None


def eventually(claim: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.01)


def test_an_environment_where_nobody_tried_is_missing_the_engine(tmp_path: Path) -> None:
    state = engine_state(tmp_path, version=absent)
    assert state.status == "missing"
    with pytest.raises(Unavailable) as caught:
        require_engine(state)
    assert "-m app.models.build" in str(caught.value)


def test_the_engine_that_is_installed_here_is_ready_and_is_not_imported_for_that() -> None:
    program = (
        "import sys; from app.models.build import engine_state; "
        "print(engine_state().status, 'llama_cpp' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["ready", "False"]


def test_a_build_that_succeeds_leaves_the_engine_ready(tmp_path: Path) -> None:
    state = build([sys.executable, "-c", "print('compiled')"], prefix=tmp_path, version=lambda: "1.2")
    assert (state.status, state.detail) == ("ready", "1.2")
    assert "compiled" in Path(state.log).read_text()


def test_a_build_that_fails_keeps_the_reason_out_of_the_log(tmp_path: Path) -> None:
    program = (
        "print('Collecting'); print('error: no space left'); print('hint: buy a disk'); raise SystemExit(1)"
    )
    state = build([sys.executable, "-c", program], prefix=tmp_path, version=absent)
    assert (state.status, state.detail) == ("failed", "error: no space left")
    with pytest.raises(Unavailable) as caught:
        require_engine(state)
    assert state.log in str(caught.value)


def test_an_installer_that_ends_well_without_installing_has_failed(tmp_path: Path) -> None:
    assert build([sys.executable, "-c", ""], prefix=tmp_path, version=absent).status == "failed"


def test_while_one_builds_it_says_for_how_long_and_a_second_does_not_start(tmp_path: Path) -> None:
    go, started = tmp_path / "go", tmp_path / "second"
    results: list[EngineState] = []
    command = [sys.executable, "-c", WAITS_FOR, str(go)]
    thread = threading.Thread(
        target=lambda: results.append(
            build(command, prefix=tmp_path, version=lambda: "1.2" if go.exists() else None)
        )
    )
    thread.start()
    eventually(lambda: engine_state(tmp_path, version=absent).status == "building")
    state = engine_state(tmp_path, version=absent)
    assert state.seconds >= 0
    with pytest.raises(Unavailable) as caught:
        require_engine(state)
    assert caught.value.key == "engine_building"
    touch = [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", str(started)]
    assert build(touch, prefix=tmp_path, version=absent).status == "building"
    assert not started.exists()
    go.touch()
    thread.join(30)
    assert [state.status for state in results] == ["ready"]


def test_a_builder_that_died_reads_as_failed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    noted = {"status": "building", "pid": dead.pid, "started": time.time() - 9, "log": "x.log"}
    (tmp_path / "terakoya-engine.json").write_text(json.dumps(noted))
    assert engine_state(tmp_path, version=absent).status == "failed"


def test_pip_that_goes_on_after_its_builder_was_killed_still_counts_as_building(tmp_path: Path) -> None:
    go = tmp_path / "go"
    program = (
        "import sys; from pathlib import Path; from app.models.build import build; "
        "build([sys.executable, '-c', sys.argv[2], sys.argv[3]], prefix=Path(sys.argv[1]))"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path), WAITS_FOR, str(go)]
    with subprocess.Popen(arguments, cwd=ROOT) as process:
        eventually(lambda: engine_state(tmp_path, version=absent).status == "building")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        eventually(lambda: children.read_text().strip())
        process.kill()
    assert engine_state(tmp_path, version=absent).status == "building"
    go.touch()
    eventually(lambda: engine_state(tmp_path, version=absent).status == "failed")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"status": 3}'])
def test_a_damaged_state_file_reads_as_missing(tmp_path: Path, content: str) -> None:
    (tmp_path / "terakoya-engine.json").write_text(content)
    assert engine_state(tmp_path, version=absent).status == "missing"


def test_a_missing_compiler_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(Unavailable) as caught:
        require_compiler(lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    assert "sudo apt-get install g++" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert require_compiler(lambda name: f"/opt/{name}" if name == "clang++" else None) == "/opt/clang++"


def test_the_installer_gets_the_constraints(tmp_path: Path) -> None:
    command = builder.pip_command(tmp_path / "constraints.txt")
    assert command[:2] == [sys.executable, "-m"]
    assert command[-2:] == ["-c", str(tmp_path / "constraints.txt")]
    assert any(part.startswith("llama-cpp-python") for part in command)


def test_constraints_that_do_not_exist_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert builder.main(["--constraints", "/nowhere/constraints.txt"]) == 2
    assert "/nowhere/constraints.txt" in capsys.readouterr().err


def test_the_command_has_nothing_to_do_where_the_engine_is_ready() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.models.build"],
        cwd=ROOT,
        env={**os.environ, "TERAKOYA_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "ready" in done.stderr


@pytest.fixture
def slow_index() -> Iterator[tuple[str, threading.Event]]:
    """A package index that answers, and knows nothing, once the event is set."""
    go = threading.Event()

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            go.wait(60)
            self.send_error(404)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", go
    go.set()
    server.shutdown()
    server.server_close()


def test_the_installation_goes_on_when_the_command_that_started_it_has_ended(
    tmp_path: Path, slow_index: tuple[str, threading.Event]
) -> None:
    url, go = slow_index
    bare = tmp_path / "environment"
    venv.create(bare, with_pip=True, symlinks=True)
    python = str(bare / "bin" / "python")
    pip = {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}
    settings = {**os.environ, **pip, "CXX": python, "TERAKOYA_LANGUAGE": "en"}

    def start() -> subprocess.CompletedProcess[str]:
        command = [python, "-m", "app.models.build"]
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)

    first = start()
    assert first.returncode == 0, first.stderr
    assert "in the background" in first.stderr
    noted = json.loads((bare / "terakoya-engine.json").read_text())
    assert os.getsid(noted["pid"]) != os.getsid(0)
    second = start()
    assert second.returncode == 0
    assert json.loads((bare / "terakoya-engine.json").read_text()) == noted
    go.set()
    eventually(lambda: engine_state(bare, version=absent).status == "failed")
    state = engine_state(bare, version=absent)
    assert "llama-cpp-python" in state.detail
    assert "No matching distribution" in Path(state.log).read_text()
