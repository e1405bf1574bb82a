"""Installing the engine: llama-cpp-python, which comes as source and takes minutes to compile.

`python -m app.models.build` starts the installation in the background, in a session of its own, so that it
goes on when whoever started it ends; the next start finds it. What is going on stands in
`terakoya-engine.json` in the environment (`sys.prefix`); whether it still goes on is told by a lock that
lives as long as the installer or pip do.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from terakoya.catalogue import text
from terakoya.errors import BadInput, TerakoyaError, Unavailable

BUILD_COMMAND = f"{shlex.quote(sys.executable)} -m app.models.build"
"""What installs the engine into this environment, for a person to type."""
REQUIREMENT = "llama-cpp-python>=0.3.36,<0.4"

_COMPILERS = ("c++", "g++", "clang++")
_COMPILER_PACKAGES = {
    "apt-get": "sudo apt-get install g++",
    "dnf": "sudo dnf install gcc-c++",
    "pacman": "sudo pacman -S gcc",
    "zypper": "sudo zypper install gcc-c++",
    "apk": "sudo apk add g++",
}
_START_SECONDS = 15.0
_POLL_SECONDS = 1.0

EngineStatus = Literal["ready", "building", "failed", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """Where the installation of the engine stands.

    Attributes:
        status: `ready` to be imported, `building`, `failed`, or `missing` when nobody tried.
        detail: Version when ready, reason when failed.
        seconds: How long it has been building.
        log: Path of the installer's log, empty when there was none.
    """

    status: EngineStatus
    detail: str = ""
    seconds: float = 0.0
    log: str = ""


def installed_version() -> str | None:
    """Version of llama-cpp-python if it can be imported, else None. Imports nothing."""
    importlib.invalidate_caches()  # it may have been installed while this process runs
    if importlib.util.find_spec("llama_cpp") is None:
        return None
    try:
        return importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        return None  # pip writes the files first and the metadata last


def engine_state(
    prefix: Path | None = None, *, version: Callable[[], str | None] = installed_version
) -> EngineState:
    """Where the installation stands in this environment, or in the one at `prefix`."""
    place = prefix or Path(sys.prefix)
    noted = _read(place)
    log = str(noted.get("log", ""))
    if _locked(place) and noted.get("status") == "building":
        started = noted.get("started")
        seconds = time.time() - started if isinstance(started, int | float) else 0.0
        return EngineState(status="building", seconds=max(0.0, seconds), log=log)
    if found := version():
        return EngineState(status="ready", detail=found, log=log)
    match noted.get("status"):
        case "building":
            return EngineState(status="failed", detail=text("cli.engine_stopped"), log=log)
        case "failed":
            return EngineState(status="failed", detail=str(noted.get("reason", "")), log=log)
        case _:
            return EngineState(status="missing", log=log)


def require_engine(state: EngineState | None = None) -> None:
    """Raises unless the engine can be imported.

    Raises:
        Unavailable: `engine_building`, `engine_failed` or `engine_missing`.
    """
    state = state or engine_state()
    match state.status:
        case "building":
            raise Unavailable("engine_building", seconds=round(state.seconds), log=state.log)
        case "failed":
            raise Unavailable("engine_failed", reason=state.detail, log=state.log, command=BUILD_COMMAND)
        case "missing":
            raise Unavailable("engine_missing", command=BUILD_COMMAND)


def require_compiler(which: Callable[[str], str | None] = shutil.which) -> str:
    """Path of a C++ compiler. CMake and ninja come from PyPI with the build.

    Raises:
        Unavailable: `compiler_missing`, with the command that installs one here.
    """
    names = (*filter(None, [os.environ.get("CXX")]), *_COMPILERS)
    for name in names:
        if found := which(name):
            return found
    if sys.platform == "darwin":
        remedy = "xcode-select --install"
    else:
        known = [command for tool, command in _COMPILER_PACKAGES.items() if which(tool)]
        remedy = (known or list(_COMPILER_PACKAGES.values()))[0]
    raise Unavailable("compiler_missing", command=remedy)


def pip_command(constraints: Path | None, which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """The command that installs the engine into this environment.

    Raises:
        Unavailable: `installer_missing`: the environment has neither pip nor uv.
    """
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    elif uv := which("uv"):
        command = [uv, "pip", "install", "--python", sys.executable]
    else:
        raise Unavailable("installer_missing", command=f"{sys.executable} -m ensurepip")
    return [*command, REQUIREMENT, *(["-c", str(constraints)] if constraints else [])]


def build(
    command: Sequence[str],
    *,
    prefix: Path | None = None,
    version: Callable[[], str | None] = installed_version,
) -> EngineState:
    """Runs the installer to its end and keeps the state file; at most one runs in an environment.

    Returns:
        The state afterwards; `building` where another process is at it.
    """
    place = prefix or Path(sys.prefix)
    log = place / "terakoya-engine.log"
    with _lock(place) as lock:
        if lock is None:
            return engine_state(place, version=version)
        noted: dict[str, object] = {"pid": os.getpid(), "started": time.time(), "log": str(log)}
        _write(place, {**noted, "status": "building"})
        with log.open("wb") as output:
            # pip inherits the lock: should this process be killed, pip goes on, and nobody starts another.
            done = subprocess.run(  # noqa: S603 - our own pip command
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(lock.fileno(),),
                check=False,
            )
        if done.returncode == 0 and version():
            _write(place, {**noted, "status": "ready"})
        else:
            reason = _last_line(log) or f"exit {done.returncode}"
            _write(place, {**noted, "status": "failed", "reason": reason})
    return engine_state(place, version=version)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code.

    0 means ready, or that an installation is under way; 1 that it failed; 2 wrong use; 3 that a compiler
    or an installer is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m app.models.build", description=text("cli.engine_help"))
    parser.add_argument("--constraints", type=Path, help=text("cli.engine_help_constraints"))
    parser.add_argument("--foreground", action="store_true", help=text("cli.engine_help_foreground"))
    options = parser.parse_args(arguments)
    try:
        if options.constraints and not options.constraints.is_file():
            raise BadInput("constraints_missing", path=options.constraints)
        state = engine_state()
        while options.foreground and state.status == "building":  # by another process; it may fail
            time.sleep(_POLL_SECONDS)
            state = engine_state()
        if state.status in ("missing", "failed"):
            require_compiler()
            command = pip_command(options.constraints)
            if options.foreground:
                with suppress(OSError):
                    os.nice(10)  # the page answers questions meanwhile
                state = build(command)
            else:
                state = _start_detached(options.constraints)
    except TerakoyaError as error:
        _say(error)
        return error.exit_code
    except OSError as error:
        _say(Unavailable("engine_failed", reason=error, log="-", command=BUILD_COMMAND))
        return Unavailable.exit_code
    return _report(state)


def _report(state: EngineState) -> int:
    match state.status:
        case "ready":
            _say(text("cli.engine_ready", version=state.detail))
            return 0
        case "building":
            _say(text("cli.engine_under_way", seconds=round(state.seconds), log=state.log))
            return 0
        case _:
            _say(Unavailable("engine_failed", reason=state.detail, log=state.log, command=BUILD_COMMAND))
            return 1


def _say(sentence: object) -> None:
    sys.stderr.write(f"{sentence}\n")


def _start_detached(constraints: Path | None) -> EngineState:
    """Starts the build in the background and waits until it has noted that it runs."""
    extra = ["--constraints", str(constraints.absolute())] if constraints else []
    source = Path(__file__).parents[2]
    child = subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "app.models.build", "--foreground", *extra],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=source,
    )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        state = engine_state()
        if state.status == "building":
            return state
        time.sleep(0.05)
    return engine_state()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or [line for line in lines if line] or [""])[-1]


def _state_path(prefix: Path) -> Path:
    return prefix / "terakoya-engine.json"


def _read(prefix: Path) -> dict[str, object]:
    try:
        value = json.loads(_state_path(prefix).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(prefix: Path, state: dict[str, object]) -> None:
    path = _state_path(prefix)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(state), encoding="utf-8")
    draft.replace(path)


def _lock_path(prefix: Path) -> Path:
    return prefix / "terakoya-engine.lock"


@contextmanager
def _lock(prefix: Path) -> Iterator[IO[bytes] | None]:
    """Holds the environment's lock; None where another process has it."""
    import fcntl

    with _lock_path(prefix).open("ab") as file:
        # A reader of the state holds the lock for an instant: try again before believing in a builder.
        for attempt in range(5):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt == 4:
                    yield None
                    return
                time.sleep(0.05)
            else:
                break
        yield file


def _locked(prefix: Path) -> bool:
    import fcntl

    try:
        with _lock_path(prefix).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    sys.exit(main())
