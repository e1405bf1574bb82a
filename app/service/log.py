"""The service's log: one JSON object a line, with the ids of request, run, thread and trace.

Never in it: the token, and what people ask. Messages of exceptions may quote either, so they are written at
level DEBUG only; the frames always are.
"""

import json
import logging
import os
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

request_id: ContextVar[str] = ContextVar("request_id", default="")
run_id: ContextVar[str] = ContextVar("run_id", default="")
thread_id: ContextVar[str] = ContextVar("thread_id", default="")

_LOGGER: Final = logging.getLogger("terakoya.service")
_MAX_BYTES: Final = 5 * 1024 * 1024


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
        }
        for name, variable in (("request_id", request_id), ("run_id", run_id), ("thread_id", thread_id)):
            if value := variable.get():
                entry[name] = value
        entry.update({k: v for k, v in getattr(record, "fields", {}).items() if v is not None})
        if record.exc_info and record.exc_info[1] is not None:
            entry.update(described(record.exc_info[1]))
        return json.dumps(entry, ensure_ascii=False, default=str)


class OwnerOnlyFile(RotatingFileHandler):
    """A rotating file that only its owner can read."""

    def _open(self) -> Any:
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        """A line that finds no room on the disk is lost: the base class would tell it as a traceback."""


def open_log(folder: Path, level: str) -> logging.Handler:
    """Sends the service's and the server's messages to `folder/service.log`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = OwnerOnlyFile(
        folder / "service.log", maxBytes=_MAX_BYTES, backupCount=3, encoding="utf-8", delay=True
    )
    handler.setFormatter(JsonLines())
    for name in ("terakoya.service", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name != "uvicorn.error" else []
        logger.propagate = name == "uvicorn.error"
        logger.setLevel(level.upper() if name == "terakoya.service" else logging.WARNING)
    return handler


def close_log(handler: logging.Handler) -> None:
    """Takes the file away from the loggers again."""
    for name in ("terakoya.service", "uvicorn"):
        logging.getLogger(name).removeHandler(handler)
    handler.close()


def place() -> str:
    """Where the log is, for messages to people."""
    for handler in _LOGGER.handlers:
        if isinstance(handler, OwnerOnlyFile):
            return handler.baseFilename
    return "logs/service.log"


def event(what: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Writes one event."""
    _LOGGER.log(level, what, extra={"fields": fields})


def failure(what: str, error: BaseException, **fields: object) -> None:
    """Writes an exception that nobody expected."""
    _LOGGER.error(what, extra={"fields": {**fields, **described(error)}})


def described(error: BaseException) -> dict[str, Any]:
    """Kind and frames of an exception; its message too where the log is at DEBUG."""
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    description: dict[str, Any] = {"error": type(error).__name__, "frames": frames[-12:]}
    if error.__cause__ is not None:
        description["cause"] = type(error.__cause__).__name__
    if _LOGGER.isEnabledFor(logging.DEBUG):
        description["message"] = str(error)
    return description
