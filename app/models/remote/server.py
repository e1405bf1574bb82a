"""Asking a server: timeouts, retries, limits, and the breaker."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx
from pydantic import SecretStr

from app.models.endpoint import Endpoint
from app.models.remote.breaker import Breaker
from app.models.remote.events import BadStream, chunks
from app.models.remote.failures import (
    RemoteCut,
    RemoteDeadline,
    RemoteFailure,
    RemoteLimited,
    refusal,
    rubbish,
    unreachable,
)
from app.models.waiting import backoff, retry_after
from terakoya import __version__
from terakoya.errors import BadInput, TerakoyaError

log = logging.getLogger(__name__)

TRIES: Final = 3
"""How often a request is sent at most."""
_PATIENCE: Final = 20.0
"""Seconds that a request waits at most because the server asks for it: who cannot wait longer goes on."""
_LONGEST_BODY: Final = 16 * 2**20
_LONGEST_ERROR: Final = 64 * 2**10

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|)")

Chunk = dict[str, Any]


class Server:
    """One server with OpenAI's API. Safe in several threads.

    Args:
        endpoint: Where it is.
        key: What it wants to see, None for nothing.
        connect_timeout: Seconds in which it must accept a connection.
        read_timeout: Seconds that it may be silent.
        timeout: Seconds that a request may take, retries included.
        tries: How often a request is sent at most.
        breaker: Its state; one of its own by default.
        wait: Sleeps.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: SecretStr | None = None,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        timeout: float = 180.0,
        tries: int = TRIES,
        breaker: Breaker | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self._key = key
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._tries = tries
        self._breaker = breaker or Breaker()
        self._wait = wait
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def __repr__(self) -> str:
        """Its address; never the key."""
        return f"Server({self.endpoint.url!r})"

    def close(self) -> None:
        """Closes its connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def models(self, *, timeout: float = 5.0) -> list[str]:
        """The models that it says it has; asked once, whatever the breaker says.

        Raises:
            BadInput: It refuses.
            Unavailable: It is away or says something else.
        """
        deadline = time.monotonic() + timeout
        try:
            with self._asked("GET", "/models", None, "", deadline) as reply:
                found = self._json(reply, deadline)
        except httpx.HTTPError as error:
            raise self._away(error, deadline) from None
        listed = found.get("data")
        if not isinstance(listed, list):
            raise rubbish(self.endpoint, json.dumps(found), secret=self._secret)
        return [str(each["id"]) for each in listed if isinstance(each, Mapping) and "id" in each]

    def complete(
        self, request: Mapping[str, Any], *, timeout: float | None = None, tries: int | None = None
    ) -> Chunk:
        """The whole answer to a request.

        Raises:
            BadInput: The server refuses: the key, the model, or the request.
            Unavailable: It is away, silent, overloaded, failing or rubbish, or left alone for a while.
        """
        deadline = time.monotonic() + (timeout or self.timeout)

        def once() -> Iterator[Chunk]:
            with self._asked("POST", "/chat/completions", request, request["model"], deadline) as reply:
                found = self._json(reply, deadline)
            if not isinstance(found.get("choices"), list) or not found["choices"]:
                raise rubbish(self.endpoint, json.dumps(found), secret=self._secret)
            yield found

        [whole] = self._persistently(once, deadline, tries)
        return whole

    def stream(
        self, request: Mapping[str, Any], *, timeout: float | None = None, tries: int | None = None
    ) -> Iterator[Chunk]:
        """The chunks of the answer as they come. Asked again only before the first.

        Raises:
            BadInput: See `complete`.
            Unavailable: See `complete`, and where the stream ends before the answer does.
        """
        deadline = time.monotonic() + (timeout or self.timeout)
        return self._persistently(lambda: self._stream(request, deadline), deadline, tries)

    def _stream(self, request: Mapping[str, Any], deadline: float) -> Iterator[Chunk]:
        whole = {**request, "stream": True, "stream_options": {"include_usage": True}}
        begun = ended = False
        with self._asked("POST", "/chat/completions", whole, request["model"], deadline) as reply:
            if "event-stream" not in reply.headers.get("content-type", ""):
                yield self._json(reply, deadline)  # some servers do not stream, and answer at once
                return
            try:
                for chunk in chunks(self._pieces(reply, deadline)):
                    if chunk is None:
                        ended = True
                        break
                    if "error" in chunk:
                        raise rubbish(self.endpoint, json.dumps(chunk["error"]), secret=self._secret)
                    begun = True
                    ended = ended or _finished(chunk)
                    yield chunk
            except httpx.HTTPError as error:
                if not begun:
                    raise
                if not ended:
                    raise RemoteCut("remote_cut", host=self.endpoint.host) from error
            except BadStream as error:
                raise rubbish(self.endpoint, str(error), secret=self._secret) from None
        if not ended:
            raise RemoteCut("remote_cut", host=self.endpoint.host) if begun else rubbish(self.endpoint, "")

    def _persistently(
        self, ask: Callable[[], Iterator[Chunk]], deadline: float, at_most: int | None
    ) -> Iterator[Chunk]:
        """Asks until there is a first chunk, or it is in vain; then passes on what comes."""
        rest = self._breaker.admit()
        if rest is not None:
            key = "remote_limited_for" if rest.limited else "remote_resting"
            raise RemoteLimited(key, host=self.endpoint.host, seconds=f"{max(rest.seconds, 1):.0f}")
        tries = 0
        try:
            while True:
                tries += 1
                begun = False
                try:
                    for chunk in ask():
                        begun = True
                        yield chunk
                except httpx.HTTPError as error:
                    failure: TerakoyaError = self._away(error, deadline)
                except TerakoyaError as error:
                    failure = error
                else:
                    self._breaker.succeeded()
                    return
                pause = self._pause(failure, tries)
                late = time.monotonic() + pause >= deadline
                again = isinstance(failure, RemoteFailure) and failure.again
                last = begun or not again or tries >= (at_most or self._tries) or pause > _PATIENCE or late
                if last:
                    self._judge(failure)
                    raise failure
                log.info("%s: try %d failed (%s)", self.endpoint.host, tries, failure.key)
                self._wait(pause)
        finally:
            self._breaker.left()

    def _judge(self, failure: TerakoyaError) -> None:
        if isinstance(failure, RemoteFailure) and failure.faulty:
            self._breaker.failed()
        else:
            self._breaker.succeeded()

    def _pause(self, failure: TerakoyaError, tries: int) -> float:
        asked = failure.values.get("asked")
        return float(asked) if isinstance(asked, int | float) else backoff(tries)

    def _away(self, error: httpx.HTTPError, deadline: float) -> RemoteFailure:
        if isinstance(error, httpx.TimeoutException) and time.monotonic() >= deadline - 0.05:
            return RemoteDeadline("remote_deadline", host=self.endpoint.host, seconds=f"{self.timeout:g}")
        connecting = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
        return unreachable(error, self.endpoint, self._connect_timeout if connecting else self._read_timeout)

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Mapping[str, Any] | None, model: str, deadline: float
    ) -> Iterator[httpx.Response]:
        """A reply with status 200, its body still to be read."""
        left = max(deadline - time.monotonic(), 0.001)
        timeout = httpx.Timeout(min(self._read_timeout, left), connect=min(self._connect_timeout, left))
        headers = {"Authorization": f"Bearer {self._secret}"} if self._secret else {}
        client = self._connected()
        try:
            request = client.build_request(
                method, self.endpoint.url + path, json=body, headers=headers, timeout=timeout
            )
        except (httpx.InvalidURL, UnicodeError):
            raise BadInput("remote_url", url=self.endpoint.url) from None
        reply = client.send(request, stream=True)
        try:
            self._heed(reply)
            if reply.status_code != 200:
                raise self._refused(reply, model, deadline)
            yield reply
        finally:
            reply.close()

    def _refused(self, reply: httpx.Response, model: str, deadline: float) -> TerakoyaError:
        said = b""
        try:
            for piece in self._pieces(reply, deadline):
                said += piece
                if len(said) > _LONGEST_ERROR:
                    break
        except httpx.HTTPError:
            pass  # the status says enough
        seconds = retry_after(reply.headers)
        error = refusal(reply, said, self.endpoint, model, secret=self._secret, seconds=seconds)
        if isinstance(error, RemoteFailure) and seconds is not None:
            error.values["asked"] = seconds
            self._breaker.limit(seconds)
        return error

    def _heed(self, reply: httpx.Response) -> None:
        """Waits with the next request where this reply says that no more are left for now."""
        for kind in ("requests", "tokens"):
            if reply.headers.get(f"x-ratelimit-remaining-{kind}", "").strip() == "0":
                seconds = _span(reply.headers.get(f"x-ratelimit-reset-{kind}", ""))
                if seconds:
                    self._breaker.limit(seconds)

    def _pieces(self, reply: httpx.Response, deadline: float) -> Iterator[bytes]:
        for piece in reply.iter_bytes():
            if time.monotonic() > deadline:
                raise RemoteDeadline("remote_deadline", host=self.endpoint.host, seconds=f"{self.timeout:g}")
            yield piece

    def _json(self, reply: httpx.Response, deadline: float) -> Chunk:
        body = bytearray()
        for piece in self._pieces(reply, deadline):
            body += piece
            if len(body) > _LONGEST_BODY:
                raise rubbish(self.endpoint, f"> {_LONGEST_BODY} bytes")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            raise rubbish(self.endpoint, body.decode("utf-8", "replace"), secret=self._secret) from None
        if not isinstance(found, dict):
            raise rubbish(self.endpoint, body.decode("utf-8", "replace"), secret=self._secret)
        return found

    @property
    def _secret(self) -> str:
        return self._key.get_secret_value() if self._key else ""

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                # what no header can hold would stand in the error of the client
                if not all("!" <= character <= "~" for character in self._secret):
                    raise BadInput("remote_key", host=self.endpoint.host, variable=self.endpoint.variable)
                self._client = httpx.Client(
                    headers={"User-Agent": f"terakoya/{__version__}"},
                    follow_redirects=False,  # the key is for this server and no other
                    trust_env=not self.endpoint.on_this_machine,
                )
            return self._client


def _finished(chunk: Chunk) -> bool:
    choices = chunk.get("choices")
    return bool(
        isinstance(choices, list)
        and choices
        and isinstance(choices[0], Mapping)
        and choices[0].get("finish_reason")
    )


def _span(value: str) -> float:
    """Seconds of `6m0s`, `1.5s`, `20ms` or `3`, as servers write them; 0 for anything else."""
    parts = _PART.findall(value.strip()[:40])
    return min(sum(float(number) * _UNITS[unit] for number, unit in parts), 3600.0)
