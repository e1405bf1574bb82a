"""Questions through an outage of Langfuse and a SIGKILL of the service: every finished trace arrives once, whole."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from app.tracing.standin import StandIn
from app.wiring import open_installation
from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from tests.soak.scale import log, size

ROOT = Path(__file__).parents[2]
QUESTIONS = size(full=1_000, short=48)
AT_ONCE = 4
LOST = 1.0
"""Seconds that a kill may cost: what an answer wrote last may still be in the memory of the process."""
NOTE = "# Tea\n\nGreen tea is brewed at 80 C.\n\n# 玉露\n\n玉露は 50 度で淹れる。\n"


def until(claim: Callable[[], Any], *, seconds: float = 240.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.05)
    return found


class Service:
    """The service as a process, started again after a kill."""

    def __init__(self, home: Path, server: StandIn) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERAKOYA_", "LANGFUSE_"))}
        self.home = home
        self.environ = {
            **kept,
            "TERAKOYA_HOME": str(home),
            "TERAKOYA_EMBEDDER": "none",
            "TERAKOYA_PORT": "0",
            "LANGFUSE_BASE_URL": server.url,
            "LANGFUSE_PUBLIC_KEY": server.public_key,
            "LANGFUSE_SECRET_KEY": server.secret_key,
        }
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli.program", "serve"],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def client(self) -> ServiceClient:
        found: ServiceClient = until(lambda: ServiceClient.discover(self.home, language="en"))
        return found

    def kill(self) -> float:
        """When it was killed."""
        self.process.kill()
        self.process.wait()
        return time.monotonic()

    def again(self) -> None:
        self.process = self._start()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, server: StandIn) -> Iterator[Service]:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text(NOTE, encoding="utf-8")
    installation = open_installation(Settings(home=tmp_path / "home", embedder="none"), write=True)
    try:
        installation.ingest([notes])
    finally:
        installation.close()
    made = Service(tmp_path / "home", server)
    yield made
    made.end()


def asked(client: ServiceClient, numbers: range) -> list[tuple[str, float]]:
    """Trace and time of each answer that came."""

    def ask(number: int) -> tuple[str, float] | None:
        question = f"玉露は何度？ {number}" if number % 2 else f"How hot is green tea? {number}"
        try:
            return client.answer(question).trace_id, time.monotonic()
        except TerakoyaError:  # the service was killed under it
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [answer for answer in pool.map(ask, numbers) if answer]


def on_disk(home: Path) -> tuple[set[str], Counter[str]]:
    """Finished traces, and how many steps each trace has."""
    finished: set[str] = set()
    steps: Counter[str] = Counter()
    for path in (home / "traces").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # torn by the kill
            if record["type"] in ("span", "trace"):
                steps[record["trace_id"]] += 1
            if record["type"] == "trace":
                finished.add(record["trace_id"])
    return finished, steps


def test_every_finished_trace_arrives_once_and_whole(service: Service, server: StandIn) -> None:
    quarter = QUESTIONS // 4
    answers = asked(service.client(), range(quarter))
    server.stop()  # the outage begins
    answers += asked(service.client(), range(quarter, 2 * quarter))
    client = service.client()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(asked, client, range(2 * quarter, 3 * quarter))
        until(lambda: len(on_disk(service.home)[0]) > 2 * quarter + 2)
        killed = service.kill()
        answers += [answer for answer in under_way.result() if answer[1] < killed - LOST]
    service.again()
    answers += asked(service.client(), range(3 * quarter, 4 * quarter))
    server.start()  # and ends
    expected = {trace for trace, _ in answers}
    until(lambda: expected <= server.trace_ids())
    service.end()
    finished, steps = on_disk(service.home)
    assert expected <= finished
    until(lambda: finished <= server.trace_ids(), seconds=1)
    for trace in finished:
        seen = server.trace(trace)
        assert len(seen) == steps[trace]
        assert sum(not one.parent_id for one in seen) == 1
    assert not server.orphans()
    # A reply that was lost with the server makes a resend, under the same ids: the server has each once.
    again = len(server.duplicates())
    log(
        "questions through an outage and a kill",
        asked=QUESTIONS,
        answered=len(answers),
        traces=len(finished),
        scores=len(server.kept.scores),
        sent_again=again,
    )
