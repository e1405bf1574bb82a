"""Where Langfuse is and who we are there: the environment variables of its own SDK, else the settings."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from app.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds, the SDK's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One Langfuse project.

    Attributes:
        base_url: Without a slash at the end.
        public_key: Begins with `pk-lf-`.
        secret_key: Begins with `sk-lf-`; not shown by `repr`.
        timeout: Seconds that one request may take.
    """

    base_url: str
    public_key: str
    secret_key: str = field(repr=False)
    timeout: float = DEFAULT_TIMEOUT


def account(environ: Mapping[str, str], settings: "Settings | None" = None) -> Account | None:
    """The project that `environ` names; None when it names none, not all of it, or switches tracing off.

    Reads `LANGFUSE_BASE_URL` (or the deprecated `LANGFUSE_HOST`), `LANGFUSE_PUBLIC_KEY`,
    `LANGFUSE_SECRET_KEY`, `LANGFUSE_TIMEOUT` and `LANGFUSE_TRACING_ENABLED`. Where the first three are all
    missing, `settings` may name the project. There is no default address: nothing leaves the machine unless
    one of the two names all three.
    """
    parts = named(environ, settings)
    url, public_key, secret_key = (value.strip() for value in parts.values())
    missing = [name for name, value in parts.items() if not value.strip()]
    switched_off = environ.get("LANGFUSE_TRACING_ENABLED", "").strip().lower() in ("false", "0")
    if switched_off or len(missing) == len(parts):
        return None
    if missing:
        log.warning("traces stay on this machine: %s not set", ", ".join(missing))
        return None
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
        log.warning("traces stay on this machine: LANGFUSE_BASE_URL is not a plain http or https address")
        return None
    return Account(
        base_url=url.rstrip("/"), public_key=public_key, secret_key=secret_key, timeout=_timeout(environ)
    )


def named(environ: Mapping[str, str], settings: "Settings | None" = None) -> dict[str, str]:
    """Address and keys by the names of their variables; empty where they are not set."""
    parts = {
        "LANGFUSE_BASE_URL": environ.get("LANGFUSE_BASE_URL") or environ.get("LANGFUSE_HOST", ""),
        "LANGFUSE_PUBLIC_KEY": environ.get("LANGFUSE_PUBLIC_KEY", ""),
        "LANGFUSE_SECRET_KEY": environ.get("LANGFUSE_SECRET_KEY", ""),
    }
    if settings is None or any(value.strip() for value in parts.values()):
        return parts  # keys of one project with the address of another would help nobody
    return {
        "LANGFUSE_BASE_URL": settings.langfuse_base_url,
        "LANGFUSE_PUBLIC_KEY": settings.langfuse_public_key,
        "LANGFUSE_SECRET_KEY": settings.langfuse_secret_key,
    }


def _timeout(environ: Mapping[str, str]) -> float:
    try:
        seconds = float(environ.get("LANGFUSE_TIMEOUT") or DEFAULT_TIMEOUT)
    except ValueError:
        return DEFAULT_TIMEOUT
    return seconds if 0 < seconds <= 600 else DEFAULT_TIMEOUT
