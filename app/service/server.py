"""The process of the service: one for each home, on loopback, from its lock to its last flush."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import uvicorn

from app.home import prepare_home, write_private
from app.loopback import listen, url
from app.service import log
from app.service.application import create_app
from app.service.runs import Runs
from terakoya import __version__
from terakoya.client import ServiceRecord
from terakoya.errors import Busy

if TYPE_CHECKING:
    from app.installation import Installation
    from app.settings import Settings

_RUNS_SECONDS: Final = 2.0
_ALL_SECONDS: Final = 4.5
"""From the signal to the end of the process, come what may: who asked for it waits five seconds."""


def serve(
    settings: "Settings",
    open_writing: Callable[["Settings"], "Installation"],
    *,
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Runs the service of a home until SIGTERM, SIGINT or SIGHUP.

    Args:
        settings: Of the home.
        open_writing: Opens the installation for writing.
        started: Gets the address once the service answers there.

    Raises:
        BadInput: The home or the host cannot be used, or a setting names what is not there.
        Busy: The home has a service already, or another process holds its store.
        Unavailable: The port is in use, or the reranker cannot be loaded.
    """
    os.umask(0o077)  # what DuckDB makes beside its file, and whatever else, is for the owner alone
    prepare_home(settings.home)
    with _lock(settings.home), listen(settings.host, settings.port, option="--port") as listener:
        handler = log.open_log(settings.home / "logs", settings.log_level)
        try:
            installation = open_writing(settings)
            try:
                installation.check_model()
                installation.check_reranker()
                _Process(settings, installation, listener, started).run_to_end()
            finally:
                installation.close()
                log.event("service stopped")
        finally:
            log.close_log(handler)


class _Process(uvicorn.Server):
    """The server with the service's own beginning and end."""

    def __init__(
        self,
        settings: "Settings",
        installation: "Installation",
        listener: socket.socket,
        started: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._installation = installation
        self._say_started = started
        self._listener = listener
        self._runs = Runs()
        self._token = secrets.token_urlsafe(32)  # 256 bits
        self._address = url(listener)
        port = listener.getsockname()[1]
        super().__init__(
            uvicorn.Config(
                create_app(installation, self._runs, token=self._token, port=lambda: port),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    def run_to_end(self) -> None:
        """Serves until a signal, and takes the record away."""
        try:
            self.run(sockets=[self._listener])
        finally:
            remove_record(self._settings.service_path)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends in good order on a signal; the base class would raise it again, which loses the exit code."""
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._stop) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                # A second Ctrl-C while traces are flushed must not cut the flush short.
                signal.signal(number, signal.SIG_IGN if self.should_exit else handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            self.should_exit = True
            last = threading.Timer(_ALL_SECONDS, os._exit, (0,))
            last.daemon = True
            last.start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then says where."""
        await super().startup(sockets=sockets)
        record = ServiceRecord(address=self._address, pid=os.getpid(), token=self._token, version=__version__)
        write_private(self._settings.service_path, record.model_dump_json())
        # by itself, for programs that want a file with nothing else: Prometheus' `credentials_file`
        write_private(self._settings.service_path.with_suffix(".token"), self._token)
        log.event("service started", address=self._address, version=__version__)
        self._say_started(self._address)
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def _warm(self) -> None:
        try:
            self._installation.warm()
        except Exception as error:  # who asks first is told in a sentence; to begin with nobody has asked
            log.failure("warming failed", error)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes the record away, lets runs end, then closes what is still open."""
        remove_record(self._settings.service_path)
        await asyncio.to_thread(self._runs.close, _RUNS_SECONDS)
        await super().shutdown(sockets=sockets)


def remove_record(path: Path) -> None:
    """Takes away the record of this process, and of no other."""
    record = ServiceRecord.read(path.parent)
    if record is not None and record.pid == os.getpid():
        path.unlink(missing_ok=True)
        path.with_suffix(".token").unlink(missing_ok=True)


@contextlib.contextmanager
def _lock(home: Path) -> Iterator[None]:
    descriptor = os.open(home / "service.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("service_running", home=home) from None
        yield
    finally:
        os.close(descriptor)  # which lets the lock go; the kernel does so too when the process is killed
