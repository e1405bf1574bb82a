"""The two requests of Langfuse that delivery makes, and what their replies mean."""

import contextlib
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from time import time
from typing import Any, Final, Literal

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from app.tracing.account import Account
from app.tracing.events import ScoreRecord, SpanRecord
from app.tracing.otlp import export_request, score_body

TRACES_PATH: Final = "/api/public/otel/v1/traces"
SCORES_PATH: Final = "/api/public/scores"
_REFUSALS: Final = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of a request.

    Attributes:
        verdict: `accepted`; `later`: the server cannot take it now; `refused`: it does not like what it got.
        reason: A few words, without secrets.
        retry_after: Seconds the server asks to wait, 0 when it does not.
        rejected: How many of the items an otherwise accepted request lost.
    """

    verdict: Literal["accepted", "later", "refused"]
    reason: str = ""
    retry_after: float = 0.0
    rejected: int = 0


class LangfuseClient:
    """Talks to one Langfuse project. Not for several threads at once."""

    def __init__(self, account: Account) -> None:
        try:
            self.sdk_version = version("langfuse")
        except PackageNotFoundError:
            self.sdk_version = "5.0.4"
        self.account = account
        self._http = httpx.Client(
            base_url=account.base_url,
            auth=httpx.BasicAuth(account.public_key, account.secret_key),
            headers={
                "x-langfuse-sdk-name": "python",
                "x-langfuse-sdk-version": self.sdk_version,
                "x-langfuse-public-key": account.public_key,
            },
        )

    def send_spans(
        self,
        spans: Sequence[tuple[SpanRecord, SpanRecord]],
        *,
        timeout: float,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Reply:
        """Sends spans, each with the root of its trace; `extra` has more attributes by span id."""
        try:
            request = export_request(
                spans, public_key=self.account.public_key, sdk_version=self.sdk_version, extra=extra
            )
        except (ValueError, TypeError, OverflowError) as error:  # what protobuf cannot hold
            return Reply(verdict="refused", reason=type(error).__name__)
        headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "x-langfuse-ingestion-version": "4",
        }
        response = self._post(TRACES_PATH, gzip.compress(request.SerializeToString(), 6), headers, timeout)
        if isinstance(response, Reply):
            return response
        rejected = 0
        if "protobuf" in response.headers.get("content-type", ""):
            with contextlib.suppress(DecodeError):
                message = ExportTraceServiceResponse.FromString(response.content)
                rejected = message.partial_success.rejected_spans
        return Reply(verdict="accepted", rejected=rejected)

    def send_scores(self, scores: Sequence[ScoreRecord], *, timeout: float) -> Reply:
        """Sends scores. A 207 reply means that some were lost for good: sending them again would not help."""
        return self.send_bodies([score_body(score) for score in scores], timeout=timeout)

    def send_bodies(self, scores: Sequence[Mapping[str, Any]], *, timeout: float) -> Reply:
        """The same for scores as the server takes them."""
        body = json.dumps(list(scores), ensure_ascii=False).encode(errors="replace")
        response = self._post(SCORES_PATH, body, {"Content-Type": "application/json"}, timeout)
        if isinstance(response, Reply):
            return response
        rejected = 0
        if response.status_code == 207:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                rejected = int(response.json()["rejected"])
        return Reply(verdict="accepted", rejected=rejected)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _post(
        self, path: str, content: bytes, headers: dict[str, str], timeout: float
    ) -> httpx.Response | Reply:
        try:
            response = self._http.post(path, content=content, headers=headers, timeout=timeout)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Reply(verdict="later", reason=type(error).__name__)
        if response.is_success:
            return response
        return Reply(
            verdict="refused" if response.status_code in _REFUSALS else "later",
            reason=f"HTTP {response.status_code}",
            retry_after=_retry_after(response.headers.get("retry-after", "")),
        )


def _retry_after(value: str) -> float:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3), either form."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return min(max(float(value), 0.0), 3600.0) if value.isdecimal() else _until(value)
    return 0.0


def _until(date: str) -> float:
    return min(max(parsedate_to_datetime(date).timestamp() - time(), 0.0), 3600.0)
