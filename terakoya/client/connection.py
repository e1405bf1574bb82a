"""One line to the service: requests with their token, and errors as the service means them."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from terakoya.api import (
    ErrorBody,
)
from terakoya.catalogue import environment_language
from terakoya.client.record import ASKER_HEADER, CONNECT
from terakoya.errors import TerakoyaError, Unavailable, rebuild

QUICK: Final = httpx.Timeout(15.0, connect=CONNECT)
SEARCH: Final = httpx.Timeout(120.0, connect=CONNECT)
"""The first query may wait for an embedder to load."""
ANSWER: Final = httpx.Timeout(1800.0, connect=CONNECT)
UPLOAD: Final = httpx.Timeout(120.0, connect=CONNECT)
STREAM: Final = httpx.Timeout(30.0, connect=CONNECT)
"""Three heartbeats of the service."""

M = TypeVar("M", bound=BaseModel)


class Connection:
    """What every call goes through. Safe to use from several threads."""

    def __init__(self, address: str, token: str, *, language: str | None = None, asker: str = "") -> None:
        self.address = address
        self.http = httpx.Client(
            base_url=address,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept-Language": language or environment_language(),
                **({ASKER_HEADER: asker} if asker else {}),
            },
            timeout=QUICK,
            # The service is on this machine: a proxy from the environment would only see the token.
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; runs go on."""
        self.http.close()

    def model(
        self,
        shape: type[M],
        method: str,
        path: str,
        *,
        json: BaseModel | None = None,
        params: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = QUICK,
    ) -> M:
        """The reply to a request, in its shape."""
        reply = self.send(method, path, json=json, params=params, timeout=timeout)
        return shape.model_validate_json(reply.content)

    def send(
        self,
        method: str,
        path: str,
        *,
        json: BaseModel | None = None,
        params: Mapping[str, str] | None = None,
        files: Any = None,
        timeout: httpx.Timeout = QUICK,
    ) -> httpx.Response:
        """The reply to a request.

        Raises:
            TerakoyaError: The service refuses it, with its key and sentence.
            Unavailable: The service does not answer.
        """
        content = None if json is None else json.model_dump_json().encode()
        headers = {} if json is None else {"Content-Type": "application/json"}
        try:
            response = self.http.request(
                method, path, content=content, params=params, files=files, headers=headers, timeout=timeout
            )
        except httpx.TransportError as error:
            raise Unavailable("service_away", address=self.address) from error
        if response.status_code >= 400:
            raise error_of(response)
        return response


def error_of(response: httpx.Response) -> TerakoyaError:
    """The error that a reply of the service tells of."""
    try:
        body = ErrorBody.model_validate_json(response.content)
    except ValidationError:
        body = ErrorBody(code="http", message=f"HTTP {response.status_code} {response.reason_phrase}")
    return rebuild(body.code, body.message, response.status_code)


def segment(name: str) -> str:
    """`name` as one part of a path."""
    return quote(name, safe="")
