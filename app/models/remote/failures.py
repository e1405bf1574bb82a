"""What can go wrong at a server, in a sentence."""

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from app.models.endpoint import Endpoint
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from terakoya.text.normalise import printable

RETRIED: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may work."""
_LONGEST: Final = 200


class RemoteFailure(Unavailable):
    """The server did not answer so that it can be used.

    Attributes:
        again: Whether the same request may work soon.
        faulty: Whether it tells of a server that does not work, which the breaker counts.
    """

    again = True
    faulty = True


class RemoteLimited(RemoteFailure):
    """The server has had enough requests for now."""

    faulty = False


class RemoteCut(RemoteFailure):
    """The answer broke off: what was said so far is out, so it is not asked again."""

    again = False


class RemoteDeadline(RemoteFailure):
    """The time that a request may take is up."""

    again = False


class RemoteRefused(BadInput):
    """The server understood, and does not do it."""


def refusal(
    reply: httpx.Response, body: bytes, endpoint: Endpoint, model: str, *, secret: str, seconds: float | None
) -> TerakoyaError:
    """The error for a reply whose status is not 200.

    Args:
        reply: The reply.
        body: Its body, or the beginning of it.
        endpoint: The server.
        model: The model that was asked for.
        secret: The key, which is taken out of what the server says.
        seconds: How long it asks to wait, None for unknown.
    """
    status = reply.status_code
    host = endpoint.host
    said = _said(body, secret)
    if status in (401, 403):
        return RemoteRefused("remote_key", host=host, variable=endpoint.variable)
    if status == 404:
        return RemoteRefused("remote_unknown", model=model, url=endpoint.url, reason=said)
    if status == 429:
        wait = "" if seconds is None else f"{seconds:.0f}"
        return RemoteLimited("remote_limited_for" if wait else "remote_limited", host=host, seconds=wait)
    if 300 <= status < 400:
        return RemoteRefused("remote_redirect", host=host, status=status)
    if status in RETRIED or status >= 500:
        return RemoteFailure("remote_failed", host=host, status=status, reason=said)
    return RemoteRefused("remote_refused", host=host, status=status, reason=said)


def unreachable(error: httpx.HTTPError, endpoint: Endpoint, seconds: float) -> RemoteFailure:
    """The error for a request that got no reply."""
    if isinstance(error, httpx.TimeoutException):
        return RemoteFailure("remote_silent", host=endpoint.host, seconds=f"{seconds:g}")
    reason = printable(str(error) or type(error).__name__)[:_LONGEST]
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return RemoteFailure("remote_away", host=endpoint.host, reason=reason)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return RemoteFailure("remote_hung_up", host=endpoint.host, reason=reason)
    return RemoteFailure("remote_away", host=endpoint.host, reason=reason)


def rubbish(endpoint: Endpoint, what: str, *, secret: str = "") -> RemoteFailure:
    """The error for a reply that is none."""
    return RemoteFailure("remote_rubbish", host=endpoint.host, reason=_clean(what, secret))


def _said(body: bytes, secret: str) -> str:
    """What the server says of the error, as OpenAI's shape has it or as the text it is."""
    text = body.decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return _clean(text, secret)
    if isinstance(found, Mapping):
        inner = found.get("error", found)
        message = inner.get("message") if isinstance(inner, Mapping) else inner
        return _clean(str(message or text), secret)
    return _clean(text, secret)


def _clean(text: str, secret: str) -> str:
    if secret:
        text = text.replace(secret, "***")
    return " ".join(printable(text).split())[:_LONGEST] or "-"
