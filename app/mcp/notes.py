"""One home for a program that asks it now and then: the service where it is up, else its files, held only meanwhile."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from app.asker import this_session
from app.cli.backend import Backend
from app.cli.local import Local
from app.cli.remote import Remote
from terakoya.client import ServiceClient

if TYPE_CHECKING:
    from app.installation import Installation
    from app.settings import Settings

T = TypeVar("T")


class HomeNotes:
    """Answers calls from one home. Safe in several threads.

    Without a service the store is opened read-only for each call and let go at once, so that an ingest or the service
    can have it in between. Analyser and embedder stay loaded.
    """

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._latest: Installation | None = None

    def use(self, work: Callable[[Backend], T]) -> T:
        """What `work` gives with the backend of the moment.

        Raises:
            Unavailable: There are no notes yet.
            Busy: Another process than the service has the store open.
        """
        client = ServiceClient.discover(self._settings.home, asker=this_session())
        if client is not None:
            with client:
                return work(Remote(client))
        with self._lock:
            local = Local(self._settings, self._open)
            try:
                return work(local)
            finally:
                local.close()

    def _open(self, settings: "Settings", *, write: bool = False, deliver: bool = False) -> "Installation":
        from app.wiring import open_installation

        self._latest = open_installation(settings, like=self._latest)
        return self._latest
