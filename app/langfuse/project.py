"""One Langfuse project over HTTP: JSON in, JSON out, and errors in words.

The paths and bodies are those of `langfuse.api`, 5.0; tests read back through the SDK what is written here. The
SDK's own client is not used: it takes a second to import, and waits 16 s for a server that hangs.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import httpx

from app.tracing.account import Account, account
from app.tracing.client import LangfuseClient, Reply
from terakoya.errors import BadInput, NotFound, TerakoyaError, Unavailable

if TYPE_CHECKING:
    from app.settings import Settings

TRIES: Final = 4
"""How often a request is made that the server cannot take now."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 8.0
PAGE: Final = 50
"""Items that one request lists."""
_MOST_ISSUES: Final = 3
_LONGEST_SAID: Final = 300
"""Characters of what a server says that an error repeats."""
_LATER: Final = frozenset({429, 500, 502, 503, 504})
_NOBODY: Final = frozenset({401, 403})


def configured(settings: "Settings", environ: Mapping[str, str] | None = None) -> Account | None:
    """The project that the environment or the settings name; None where neither does."""
    return account(os.environ if environ is None else environ, settings)


def required(settings: "Settings", environ: Mapping[str, str] | None = None) -> Account:
    """The project that the environment or the settings name.

    Raises:
        Unavailable: Neither does.
    """
    found = configured(settings, environ)
    if found is None:
        raise Unavailable("langfuse_unset")
    return found


class Project:
    """Talks to one project. Not for several threads at once.

    Args:
        account: Where it is and who we are there.
        tries: How often a request is made that the server cannot take now.
    """

    def __init__(self, account: Account, *, tries: int = TRIES) -> None:
        self.account = account
        self._tries = tries
        self._client = LangfuseClient(account)
        self._http = httpx.Client(
            base_url=account.base_url,
            auth=httpx.BasicAuth(account.public_key, account.secret_key),
            timeout=account.timeout,
            headers={"x-langfuse-sdk-name": "python", "x-langfuse-sdk-version": self._client.sdk_version},
        )

    def __enter__(self) -> Self:
        """The project itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the connections."""
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()
        self._client.close()

    def id(self) -> str:
        """Id of the project that the keys belong to.

        Raises:
            Unavailable: See `call`.
        """
        data = self.call("GET", "/api/public/projects")["data"]
        return str(data[0]["id"])

    def get(self, path: str, *, missing: bool = False, **query: Any) -> Any:
        """What stands at `path`; with `missing`, None where nothing does.

        Raises:
            NotFound: Nothing does.
            BadInput: The server does not like the request.
            Unavailable: It cannot be reached, does not answer, or does not know the keys.
        """
        try:
            return self.call("GET", path, query=query)
        except NotFound:
            if missing:
                return None
            raise

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Posts JSON. Raises as `get` does."""
        return self.call("POST", path, body=body)

    def pages(self, path: str, **query: Any) -> Iterator[Mapping[str, Any]]:
        """All rows of a list that comes in numbered pages. Raises as `get` does."""
        number = 1
        while True:
            reply = self.get(path, page=number, limit=PAGE, **query)
            yield from reply["data"]
            if number >= int(reply["meta"]["totalPages"]):
                return
            number += 1

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """One request, made again after a pause where the server cannot take it now. Raises as `get` does."""
        pause = FIRST_PAUSE
        for turn in range(1, self._tries + 1):
            try:
                return self._once(method, path, query, body)
            except _Later as later:
                if turn == self._tries:
                    raise self._away(later.reason) from None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("the last try returns or raises")

    def deliver(self, reply: Reply) -> Reply:
        """A reply to spans or scores, where it is a good one.

        Raises:
            BadInput: The server does not like them.
            Unavailable: It cannot take them now.
        """
        if reply.verdict == "later":
            raise self._away(reply.reason)
        if reply.verdict == "refused":
            raise BadInput("langfuse_refused", address=self.account.base_url, reason=reply.reason)
        return reply

    def send_spans(self, spans: Sequence[Any], extra: Mapping[str, Mapping[str, Any]]) -> None:
        """Sends spans with the roots of their traces; `extra` has more attributes by span id. Raises as `get`."""
        self._patiently(lambda: self._client.send_spans(spans, timeout=self.account.timeout, extra=extra))

    def send_scores(self, bodies: Sequence[Mapping[str, Any]]) -> int:
        """Sends scores; gives how many of them the server lost for good. Raises as `get`."""
        return self._patiently(
            lambda: self._client.send_bodies(bodies, timeout=self.account.timeout)
        ).rejected

    def _patiently(self, send: Any) -> Reply:
        pause = FIRST_PAUSE
        for _ in range(self._tries - 1):
            reply: Reply = send()
            if reply.verdict != "later":
                return self.deliver(reply)
            time.sleep(max(pause, min(reply.retry_after, LONGEST_PAUSE)))
            pause = min(2 * pause, LONGEST_PAUSE)
        return self.deliver(send())

    def _once(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None
    ) -> Any:
        given = {key: value for key, value in (query or {}).items() if value is not None}
        try:
            response = self._http.request(method, path, params=given, json=body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _Later(type(error).__name__) from None
        if response.status_code in _LATER:
            raise _Later(f"HTTP {response.status_code}")
        if response.is_success:
            try:
                return response.json()
            except ValueError:
                raise self._away("no JSON") from None
        raise self._failure(response)

    def _failure(self, response: httpx.Response) -> TerakoyaError:
        if response.status_code in _NOBODY:
            return Unavailable("langfuse_key", address=self.account.base_url)
        said = _said(response)
        reason = f"HTTP {response.status_code}{f', {said}' if said else ''}"
        kind = NotFound if response.status_code == 404 else BadInput
        return kind("langfuse_refused", address=self.account.base_url, reason=reason)

    def _away(self, reason: str) -> Unavailable:
        return Unavailable("langfuse_away", address=self.account.base_url, reason=reason)


def _said(response: httpx.Response) -> str:
    """What the server says of a request that it refuses; of a body that it cannot use, what is wrong with what."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, Mapping):
        return ""
    told = [str(body.get("message") or ""), *islice(_issues(body.get("error")), _MOST_ISSUES)]
    return "; ".join(part for part in told if part)[:_LONGEST_SAID]


def _issues(given: object) -> Iterator[str]:
    """Each issue of a schema; of several forms that a body could have had, those of the first."""
    for issue in given if isinstance(given, list) else []:
        if isinstance(issue, Mapping):
            forms = issue.get("errors")
            if isinstance(forms, list) and forms:
                yield from _issues(forms[0])
            else:
                path = issue.get("path")
                place = ".".join(map(str, path)) if isinstance(path, list) else ""
                yield ": ".join(part for part in (place, str(issue.get("message") or "")) if part)


class _Later(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def named(name: str) -> str:
    """`name` as one part of a path."""
    return quote(name, safe="")
