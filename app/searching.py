"""Searching an installation from a program of its own."""

import threading
from typing import TYPE_CHECKING

from terakoya.api import SearchResult
from terakoya.client import ServiceClient
from terakoya.types import Filter

if TYPE_CHECKING:
    from app.installation import Installation
    from app.settings import Settings


class HomeSearch:
    """Searches one home again and again, and holds its store only while it does. Safe in several threads.

    The service of the home answers where it is up; else the store is opened for each search and let go at
    once, so that an ingest or the service can have it in between. Analyser and embedder stay loaded.
    """

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._searching = threading.Lock()
        self._latest: Installation | None = None

    def search(self, query: str, *, k: int, filter: Filter | None = None) -> SearchResult:
        """The `k` best passages.

        Raises:
            BadInput: The query is empty or too long, or `k` is below 1.
            NotFound: Nothing is found, and no note is in a folder or has a tag of `filter`.
            Unavailable: There are no notes yet.
            Busy: Another process than the service has the store open.
        """
        client = ServiceClient.discover(self._settings.home)
        if client is not None:
            with client:
                return client.search(query, k=k, filter=filter)
        from app.wiring import open_installation

        with self._searching:
            self._latest = open_installation(self._settings, like=self._latest)
            try:
                return SearchResult.of(self._latest.search(query, k=k, filter=filter))
            finally:
                self._latest.close()
