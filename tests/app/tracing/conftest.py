import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.tracing import SpoolTracer, make_tracer
from app.tracing.standin import StandIn

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def tracer(home: Path) -> Iterator[SpoolTracer]:
    tracer = make_tracer(Settings(home=home), deliver=False)
    yield tracer
    tracer.close()


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def environ(server: StandIn) -> dict[str, str]:
    return {
        "LANGFUSE_BASE_URL": server.url,
        "LANGFUSE_PUBLIC_KEY": server.public_key,
        "LANGFUSE_SECRET_KEY": server.secret_key,
        "LANGFUSE_TIMEOUT": "2",
    }


@pytest.fixture
def delivering(home: Path, environ: dict[str, str]) -> Iterator[Callable[..., SpoolTracer]]:
    """Makes tracers that deliver to the server, and closes them at the end."""
    made: list[SpoolTracer] = []

    def make(**variables: str) -> SpoolTracer:
        made.append(make_tracer(Settings(home=home), deliver=True, environ={**environ, **variables}))
        return made[-1]

    yield make
    for tracer in made:
        tracer.close()


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits until a claim holds, or fails after a deadline that no working machine needs."""

    def wait(claim: Callable[[], object], deadline: float = 30.0) -> None:
        end = time.monotonic() + deadline
        while not claim():
            assert time.monotonic() < end, "this never came true"
            time.sleep(0.01)

    return wait


@pytest.fixture
def child(home: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts Python processes that have `home` and `tracer` (not delivering) at hand."""
    processes: list[subprocess.Popen[str]] = []
    preamble = (
        "from pathlib import Path\nfrom app.settings import Settings\nfrom app.tracing import make_tracer\n"
        f"home = Path({str(home)!r})\ntracer = make_tracer(Settings(home=home), deliver=False)\n"
    )

    def start(script: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", preamble + script], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
