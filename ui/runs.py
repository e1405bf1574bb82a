"""Runs of the service, followed in the background so that a rerun neither waits nor loses a word."""

import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import streamlit as st

from terakoya.api import ApprovalModel, RunEvent
from terakoya.client import ServiceClient, run_error
from terakoya.errors import TerakoyaError

KEPT: Final = 64
FRAME: Final = 0.04


class Follower:
    """One run, read from its first event on by a thread of its own.

    Attributes:
        text: The answer so far.
        step: Name of the step under way.
        approval: What a person is asked before a tool changes something; None while nothing is.
        notice: What failed on the way without ending the run.
        done: Files taken in so far, of an ingest.
        total: Files of the ingest, 0 while unknown.
        what: The file under way.
        result: Result of the `done` event.
        error: What ended the run.
    """

    def __init__(self, client: ServiceClient, run_id: str) -> None:
        self.text = self.step = self.what = self.notice = ""
        self.done = self.total = 0
        self.approval: ApprovalModel | None = None
        self.result: dict[str, Any] | None = None
        self.error: TerakoyaError | None = None
        self._changes = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(client, run_id), name=f"run-{run_id}", daemon=True).start()

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.result is not None or self.error is not None

    @property
    def withdrawn(self) -> bool:
        """Whether it was cancelled before its turn came."""
        return self.error is not None and self.error.key == "cancelled"

    @property
    def lost(self) -> bool:
        """Whether nobody knows the run any more, as its service has ended."""
        return self.error is not None and self.error.key in ("run_unknown", "service_away", "token")

    def decided(self, call_id: str) -> None:
        """The person has said what is to become of a call."""
        with self._changed:
            if self.approval and self.approval.call_id == call_id:
                self.approval = None

    def updates(self, seconds: float) -> Iterator[None]:
        """Ticks at once and then after each burst of changes, until the run ends or `seconds` are over."""
        until = time.monotonic() + seconds
        yield
        while not self.finished and (left := until - time.monotonic()) > 0:
            with self._changed:
                before = self._changes
                self._changed.wait(min(left, 0.25))
                changed = self._changes > before
            if changed:
                time.sleep(FRAME)  # tokens may come faster than a browser can draw them
            yield

    def _read(self, client: ServiceClient, run_id: str) -> None:
        try:
            for event in client.events(run_id):
                with self._changed:
                    self._take(event)
                    self._changes += 1
                    self._changed.notify_all()
        except TerakoyaError as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _take(self, event: RunEvent) -> None:
        data = event.data
        if event.type == "token":
            self.text += str(data["text"])
        elif event.type == "replace":
            self.text = str(data["text"])
        elif event.type == "step":
            self.step = str(data["name"])
        elif event.type == "notice":
            self.notice = str(data["message"])
        elif event.type == "approval":
            self.approval = ApprovalModel.model_validate(data)
        elif event.type == "decided":
            self.approval = None
        elif event.type == "progress":
            self.done, self.total, self.what = int(data["done"]), int(data["total"]), str(data["what"])
        elif event.type == "done":
            self.result = data["result"]
        else:
            self.error = run_error(event)


class Desk:
    """What outlives a reload of the page: followed runs, thumbs given.

    Attributes:
        votes: Thumb by trace.
        notices: What failed on the way to an answer, by trace.
    """

    def __init__(self) -> None:
        self.votes: dict[str, int] = {}
        self.notices: dict[str, str] = {}
        self._followers: dict[str, Follower] = {}
        self._lock = threading.Lock()

    def follow(self, client: ServiceClient, run_id: str) -> Follower:
        """The follower of a run, begun if there is none."""
        with self._lock:
            if run_id not in self._followers:
                ended = [name for name, follower in self._followers.items() if follower.finished]
                for name in ended[: max(0, len(self._followers) - KEPT)]:
                    del self._followers[name]
                self._followers[run_id] = Follower(client, run_id)
            return self._followers[run_id]

    def leave(self, run_id: str) -> None:
        """Follows a run no more."""
        with self._lock:
            self._followers.pop(run_id, None)


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The desk of this page process; it has one reader, who may have several tabs."""
    return Desk()
