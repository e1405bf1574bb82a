"""Runs that go on in the service, and their events."""

from typing import Any, Literal

from terakoya.api.schema import Schema
from terakoya.types import Approval, Decision, ToolCall, Verdict

RunKind = Literal["ask", "ingest"]


EventType = Literal["step", "token", "replace", "notice", "progress", "approval", "decided", "done", "error"]


class RunStarted(Schema):
    """A run was begun; its events stand at `/api/runs/{run_id}/events`."""

    run_id: str
    thread_id: str


class RunEvent(Schema):
    """One event of a run, numbered from 1 without gaps.

    `step` {name}: a node began. `token` {text}: append. `replace` {text}: the whole text so far is this.
    `notice` {code, message}: something failed and the run goes on without it, as when a model is away.
    `approval`: an ApprovalModel; the run waits until a person has decided about it. `decided` {call_id, verdict}:
    they have, or nobody did in time. `progress` {done, total, what}: of an ingest.
    `done` {result}: AskResult or IngestReport, the last event. `error` {code, message}: the run failed, the last
    event.
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


class ApprovalModel(Schema):
    """What a run asks a person before a tool changes something; see `terakoya.types.Approval`."""

    call_id: str
    tool: str
    arguments: dict[str, Any]
    server: str
    about: str
    reason: Literal["changes", "uncertain"]
    problem: str

    @classmethod
    def of(cls, a: Approval) -> "ApprovalModel":
        """From the inner shape."""
        return cls(
            call_id=a.call.id,
            tool=a.call.tool,
            arguments=dict(a.call.arguments),
            server=a.server,
            about=a.about,
            reason=a.reason,
            problem=a.problem,
        )

    def inner(self) -> Approval:
        """The inner shape."""
        call = ToolCall(id=self.call_id, tool=self.tool, arguments=self.arguments)
        return Approval(
            call=call, server=self.server, about=self.about, reason=self.reason, problem=self.problem
        )


class DecisionRequest(Schema):
    """What the person said to the approval `call_id`; `arguments` for `edit`.

    `asked` is false where a program refuses because it has nobody to ask.
    """

    call_id: str
    verdict: Verdict
    arguments: dict[str, Any] | None = None
    asked: bool = True

    @classmethod
    def of(cls, call_id: str, d: Decision) -> "DecisionRequest":
        """From the inner shape."""
        given = None if d.arguments is None else dict(d.arguments)
        return cls(call_id=call_id, verdict=d.verdict, arguments=given, asked=d.asked)

    def inner(self) -> Decision:
        """The inner shape."""
        return Decision(verdict=self.verdict, arguments=self.arguments, asked=self.asked)
