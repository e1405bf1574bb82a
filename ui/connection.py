"""The page's line to the service: the client, and replies kept for a few seconds between reruns."""

import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import streamlit as st

from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError, Unavailable
from ui.markup import markdown
from ui.wording import language, say

T = TypeVar("T")


def home() -> Path:
    """The folder of the installation."""
    return Path(os.environ.get("TERAKOYA_HOME") or "~/.terakoya").expanduser().absolute()


def connect() -> ServiceClient | None:
    """The client of the running service, or None where none is up."""
    try:
        stamp = (home() / "service.json").stat().st_mtime_ns
        return _client(str(home()), language(), stamp)
    except (OSError, Unavailable):
        return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _client(place: str, language: str, stamp: int) -> ServiceClient:
    client = ServiceClient.discover(Path(place), language=language)
    if client is None:  # raised, because a returned None would be kept
        raise Unavailable("service_away", address=place)
    return client


DAMAGED: Final = "threads_damaged"
"""The error of a service whose file of conversations cannot be read; everything else goes on."""


def draw_down() -> None:
    """Says that the service is away, with the command that starts it."""
    standard = Path("~/.terakoya").expanduser()
    command = "terakoya up" if home() == standard else f"terakoya --home {shlex.quote(str(home()))} up"
    st.warning(say("down", command=command), icon=":material/power_off:")
    if st.button(say("retry"), icon=":material/refresh:", type="primary", key="retry"):
        _client.clear()
        forget()
        st.rerun()


def draw_error(error: TerakoyaError) -> None:
    """One sentence of an error."""
    st.warning(markdown(error.message(language())), icon=":material/error:")


def fresh(name: str, seconds: float, load: Callable[[], T]) -> T:
    """What `load` gave at most `seconds` ago in this session, so that a rerun costs no request."""
    kept: dict[str, tuple[float, T]] = st.session_state.setdefault("kept", {})
    entry = kept.get(name)
    if entry is None or time.monotonic() - entry[0] > seconds:
        entry = (time.monotonic(), load())
        kept[name] = entry
    return entry[1]


def forget(*names: str) -> None:
    """Drops replies whose name begins with one of `names`; all without one."""
    kept = st.session_state.setdefault("kept", {})
    for name in list(kept):
        if not names or name.startswith(names):
            del kept[name]
