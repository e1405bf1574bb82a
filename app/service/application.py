"""The service as an ASGI application: routes, replies to errors, and the guard in front of them."""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from app.damage import told
from app.service import log, routes
from app.service.arena import arena_routes
from app.service.completions import completion_routes
from app.service.errors import error_body, status_at
from app.service.feedback import feedback_routes
from app.service.guard import JSON_LIMIT, Guard
from app.service.language import reader_language
from app.service.metrics import Metrics
from app.service.operations import operation_routes
from app.service.runs import Runs
from app.service.streams import HEARTBEAT, event_routes
from app.service.threads import thread_routes
from app.tracing import SpoolTracer
from terakoya import __version__
from terakoya.errors import BadInput, TerakoyaError

if TYPE_CHECKING:
    from app.installation import Installation

UPLOAD_NOTES = 8
"""How many of the largest notes one upload may carry."""


def create_app(
    installation: "Installation",
    runs: Runs,
    *,
    token: str,
    port: Callable[[], int],
    heartbeat: float = HEARTBEAT,
) -> ASGIApp:
    """The service over one installation.

    Args:
        installation: What answers.
        runs: The registry that runs are kept in.
        token: What requests must show.
        port: Gives the port the service listens on, once it is bound.
        heartbeat: Seconds between the comments that keep an idle event stream open.
    """
    api = FastAPI(
        title="Terakoya", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    api.add_exception_handler(TerakoyaError, _known)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(sqlite3.DatabaseError, _database(installation))
    api.add_exception_handler(Exception, _unknown)
    api.include_router(routes.health_routes(installation))
    metrics = Metrics()
    metrics.watch(runs, lambda: _spooling(installation))
    api.include_router(operation_routes(installation, metrics))
    api.include_router(routes.answer_routes(installation, runs, metrics))
    api.include_router(feedback_routes(installation))
    api.include_router(event_routes(runs, heartbeat))
    api.include_router(routes.note_routes(installation, runs))
    api.include_router(thread_routes(installation, runs, metrics))
    api.include_router(arena_routes(installation))
    api.include_router(completion_routes(installation, runs, heartbeat))
    uploads = int(installation.settings.max_note_mb * 1024 * 1024) * UPLOAD_NOTES + JSON_LIMIT

    def body_limit(path: str) -> int:
        return uploads if path == routes.UPLOADS else JSON_LIMIT

    return Guard(api, token=token, port=port, body_limit=body_limit, replied=metrics.request)


def _spooling(installation: "Installation") -> SpoolTracer | None:
    tracer = getattr(installation, "tracer", None)
    return tracer if isinstance(tracer, SpoolTracer) else None


def _reply(request: Request, error: TerakoyaError, status: int) -> JSONResponse:
    language = reader_language(request.headers.get("accept-language"))
    path = request.url.path
    return JSONResponse(error_body(path, error, status, language), status_code=status_at(path, status))


def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TerakoyaError)  # noqa: S101 (the registration above says so)
    log.event("refused", error=error.key)
    return _reply(request, error, error.http_status)


def _database(installation: "Installation") -> Callable[[Request, Exception], JSONResponse]:
    """What replies where the file of conversations and facts is full or damaged, and nobody could do without it."""

    def reply(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, sqlite3.DatabaseError)  # noqa: S101 (the registration above says so)
        log.failure("the file of conversations cannot be used", error)
        known = told(installation.settings.threads_path, error)
        return _reply(request, known, known.http_status)

    return reply


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    # Where a body is no JSON at all, its place is a number of characters and no field.
    place = first["loc"][:1] if first["type"] == "json_invalid" else first["loc"]
    field = ".".join(str(part) for part in place)
    return _reply(request, BadInput("request_invalid", field=field, reason=first["msg"]), 422)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code in (404, 405):
        known = BadInput("route_unknown", method=request.method, path=request.url.path[:200])
    else:
        known = BadInput("request_invalid", field="body", reason=str(error.detail))
    return _reply(request, known, error.status_code)


def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.failure("request failed", error)
    return _reply(request, TerakoyaError("internal", log=log.place()), 500)
