"""Runs of the service."""

import time
from collections.abc import Iterator
from typing import Any, Final

import httpx

from terakoya.api import (
    DecisionRequest,
    RunEvent,
    RunState,
)
from terakoya.client.connection import STREAM, Connection, error_of, segment
from terakoya.client.events import parse, run_error
from terakoya.errors import Unavailable

RECONNECT_SECONDS: Final = 30.0


class RunCalls(Connection):
    """Runs: their events, their result, and what may be said to them."""

    def run(self, run_id: str) -> RunState:
        """A run as it stands.

        Raises:
            NotFound: The service does not know the run (any more).
        """
        return self.model(RunState, "GET", f"/api/runs/{segment(run_id)}")

    def cancel(self, run_id: str) -> None:
        """Asks an ingest run to stop at the next file; what it has taken in stays."""
        self.send("POST", f"/api/runs/{segment(run_id)}/cancel")

    def decide(self, run_id: str, decision: DecisionRequest) -> None:
        """Says what a person decided about what a run asks.

        Raises:
            NotFound: The run is unknown, or asks nothing of this name now.
        """
        self.send("POST", f"/api/runs/{segment(run_id)}/approval", json=decision)

    def events(self, run_id: str, *, after: int = 0) -> Iterator[RunEvent]:
        """The events of a run behind number `after`, until `done` or `error`, which comes last.

        A dropped connection is taken up again where it broke, for 30 seconds without any event.

        Raises:
            NotFound: The service does not know the run (any more).
            Unavailable: The service stays away.
        """
        path = f"/api/runs/{segment(run_id)}/events"
        deadline = time.monotonic() + RECONNECT_SECONDS
        pause = 0.05
        while True:
            try:
                with self.http.stream("GET", path, params={"after": after}, timeout=STREAM) as response:
                    if response.status_code >= 400:
                        response.read()
                        raise error_of(response)
                    for event in parse(response.iter_lines()):
                        if event.seq <= after:
                            continue
                        after = event.seq
                        yield event
                        if event.type in ("done", "error"):
                            return
                        deadline = time.monotonic() + RECONNECT_SECONDS
                        pause = 0.05
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise Unavailable("service_away", address=self.address)
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def result(self, run_id: str) -> dict[str, Any]:
        """Waits for a run's `done` event and gives its result.

        Raises:
            TerakoyaError: The run failed.
        """
        for event in self.events(run_id):
            if event.type == "done":
                result: dict[str, Any] = event.data["result"]
                return result
            if event.type == "error":
                raise run_error(event)
        raise Unavailable("service_away", address=self.address)
