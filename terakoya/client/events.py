"""Server-sent events of a run."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from terakoya.api import RunEvent
from terakoya.errors import TerakoyaError, rebuild


def run_error(event: RunEvent) -> TerakoyaError:
    """The error that an `error` event reports."""
    data = event.data
    return rebuild(
        str(data.get("code", "internal")), str(data.get("message", "")), int(data.get("status", 500))
    )


def parse(lines: Iterator[str]) -> Iterator[RunEvent]:
    """Server-sent events as the WHATWG HTML standard, 9.2, defines them; comments are heartbeats."""
    seq, kind = 0, ""
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield RunEvent.model_validate({"seq": seq, "type": kind, "data": _json("\n".join(data))})
            kind, data = "", []
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                seq = int(value)
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)


def _json(text: str) -> Any:
    return TypeAdapter(dict[str, Any]).validate_json(text)
