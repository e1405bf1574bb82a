"""What every command is given: the home, how to print, and who answers."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.cli.foreseen import in_words
from app.cli.terminal import Terminal
from terakoya.catalogue import text
from terakoya.errors import TerakoyaError

if TYPE_CHECKING:
    from app.cli.backend import Backend
    from app.installation import Installation
    from app.settings import Settings


class Opener(Protocol):
    """Opens an installation in this process."""

    def __call__(self, settings: "Settings", *, write: bool = False, deliver: bool = False) -> "Installation":
        """Raises Busy when another process holds the store."""
        ...


class Session:
    """One command of the command line.

    Attributes:
        terminal: Where its output goes.
    """

    def __init__(self, *, home: Path | None, json: bool, opener: Opener | None) -> None:
        self._home = home
        self._opener = opener
        self.terminal = Terminal(json=json)

    @cached_property
    def settings(self) -> "Settings":
        """The settings of the home.

        Raises:
            BadInput: One of them cannot be used.
        """
        from app.settings import load_settings

        return load_settings(self._home)

    @property
    def place(self) -> Path:
        """The home, whatever its settings are."""
        from app.settings import home_of

        return home_of(self._home)

    def opener(self) -> Opener:
        """How to open the installation in this process."""
        if self._opener is not None:
            return self._opener
        from app.wiring import open_installation

        return partial(open_installation, processes=True)

    @contextmanager
    def backend(self) -> Iterator["Backend"]:
        """The service of the home where it is up, else the installation in this process."""
        from app.asker import this_session
        from app.cli.local import Local
        from app.cli.remote import Remote
        from terakoya.client import ServiceClient

        client = ServiceClient.discover(self.settings.home, asker=this_session())
        backend: Backend = Remote(client) if client is not None else Local(self.settings, self.opener())
        try:
            yield backend
        finally:
            backend.close()

    def report(self, error: Exception) -> int:
        """Says what went wrong in a sentence, and gives the exit code for it."""
        told = in_words(error, lambda: self.place)
        if told is not error:
            lines = "".join(traceback.format_exception(error))
            if os.environ.get("TERAKOYA_DEBUG") == "1":
                self.terminal.note(lines)
            kept = self._keep(lines)
            told = told or TerakoyaError("internal", log=kept)
        self.terminal.note(text("cli.error", message=told.message()))
        return told.exit_code

    def _keep(self, lines: str) -> Path | str:
        try:
            folder = self.settings.home / "logs"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / "cli.log"
            descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(lines)
        except Exception:  # the failure to report matters more than this one
            return "TERAKOYA_DEBUG=1"
        return path
