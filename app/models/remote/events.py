"""The lines of a stream: server-sent events, each with a chunk of JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

LONGEST_EVENT: Final = 4 * 2**20
LONGEST_STREAM: Final = 64 * 2**20
DONE: Final = "[DONE]"


class BadStream(Exception):
    """It is no stream of such chunks; the message says why."""


def chunks(pieces: Iterable[bytes]) -> Iterator[dict[str, Any] | None]:
    """The chunks in a body that comes in pieces; None for the `[DONE]` at its end.

    As https://html.spec.whatwg.org/multipage/server-sent-events.html has it: fields other than `data` do not
    matter here, lines that begin with a colon keep the connection open, several `data` lines are one text.

    Raises:
        BadStream: A chunk is no JSON object, or one of them or all of them are larger than any answer.
    """
    data: list[bytes] = []
    for line in _lines(pieces):
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
            elif name.strip() not in (b"", b"event", b"id", b"retry"):
                raise BadStream(line[:80].decode("utf-8", "replace"))
            continue
        if data:
            yield _chunk(b"\n".join(data))
            data = []
    if data:  # some servers end without an empty line
        yield _chunk(b"\n".join(data))


def _chunk(data: bytes) -> dict[str, Any] | None:
    text = data.decode("utf-8", "replace").strip()
    if text == DONE:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadStream(text[:80]) from None
    if not isinstance(found, dict):
        raise BadStream(text[:80])
    return found


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > LONGEST_STREAM:
            raise BadStream(f"> {LONGEST_STREAM} bytes")
        whole = (rest + piece).replace(b"\r\n", b"\n")
        held = b"\r" if whole.endswith(b"\r") else b""  # the line feed may come with the next piece
        *lines, rest = whole[: len(whole) - len(held)].replace(b"\r", b"\n").split(b"\n")
        rest += held
        if len(rest) > LONGEST_EVENT:
            raise BadStream(f"> {LONGEST_EVENT} bytes")
        yield from lines
    if rest.strip():
        yield rest.rstrip(b"\r")
