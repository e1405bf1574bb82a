"""Runs that go on in the service, and their events."""

from typing import Any, Literal

from terakoya.api.schema import Schema

RunKind = Literal["ask", "ingest"]


EventType = Literal["step", "token", "replace", "notice", "progress", "done", "error"]


class RunStarted(Schema):
    """A run was begun; its events stand at `/api/runs/{run_id}/events`."""

    run_id: str
    thread_id: str


class RunEvent(Schema):
    """One event of a run, numbered from 1 without gaps.

    `step` {name}: a node began. `token` {text}: append. `replace` {text}: the whole text so far is this.
    `notice` {code, message}: something failed and the run goes on without it, as when a model is away.
    `progress` {done, total, what}: of an ingest. `done` {result}: AskResult or IngestReport, the last event.
    `error` {code, message}: the run failed, the last event.
    """

    seq: int
    type: EventType
    data: dict[str, Any]


class RunState(Schema):
    """A run as it stands."""

    run_id: str
    kind: RunKind
    thread_id: str
    status: Literal["running", "done", "error"]
    question: str = ""
    events: int
