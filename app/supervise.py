"""`terakoya up`: the service and the page as two processes that begin and end together."""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import FrameType
from typing import IO, TYPE_CHECKING, Final

import httpx

from app.home import prepare_home, write_private
from app.loopback import listen, url
from terakoya.catalogue import text
from terakoya.client import ServiceRecord, answers
from terakoya.errors import Unavailable

if TYPE_CHECKING:
    from app.settings import Settings

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 4.8
_POLL_SECONDS: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1  # prctl(2), Linux

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A process to start.

    Attributes:
        arguments: Program and its arguments.
        environment: What is added to this process's environment.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def service_command(settings: "Settings") -> Command:
    """The service of the home."""
    # -P: a folder called `app` where the user happens to stand must not be taken for this one.
    return Command(
        arguments=[
            *(sys.executable, "-P", "-m", "app.cli.program"),
            *("serve", "--home", str(settings.home), "--port", str(settings.port)),
        ]
    )


def page_command(settings: "Settings", *, host: str, port: int, key: str) -> Command:
    """The page, for those who know `key`, on loopback only.

    Raises:
        Unavailable: The page or Streamlit is not installed.
    """
    page = find_spec("ui.page")
    if page is None or page.origin is None or find_spec("streamlit") is None:
        raise Unavailable("page_missing")
    options = {
        "server.address": host,
        "server.port": port,
        "server.baseUrlPath": "",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.enableCORS": "true",
        "server.enableXsrfProtection": "true",
        "server.maxUploadSize": max(1, int(settings.max_note_mb)),
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
    }
    return Command(
        arguments=[
            *(sys.executable, "-P", "-m", "streamlit", "run", page.origin),
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        environment={
            "TERAKOYA_HOME": str(settings.home),
            "TERAKOYA_PAGE_KEY": key,
            # In the environment, since Streamlit of earlier versions refuses options that it does not know.
            "STREAMLIT_SERVER_ALLOWED_HOSTS": "127.0.0.1 localhost ::1",
        },
    )


def up(
    settings: "Settings",
    *,
    page: bool = True,
    ready: Say,
    say: Say,
    service: Callable[["Settings"], Command] = service_command,
) -> int:
    """Starts what is not up yet, says where it is, and keeps it until a signal or the end of one of them.

    Args:
        settings: Of the home.
        page: Whether the page is wanted.
        ready: Gets the address once all answer.
        say: Gets what else a person should know.
        service: Makes the command that starts the service.

    Returns:
        0 after a signal, or where all was up already; else what the process that ended returned, or 3.

    Raises:
        BadInput: The home cannot be used.
        Unavailable: A port is in use, or the page is not installed.
    """
    prepare_home(settings.home)
    record = ServiceRecord.read(settings.home)
    running = record if record is not None and answers(record) else None
    if running is not None and (not page or (running.page and page_answers(running.page))):
        say(text("cli.up_already"))
        ready(running.page if page else running.address)
        return 0
    return _House(settings, ready, say).keep(None if running else service(settings), page=page)


def page_answers(address: str) -> bool:
    """Whether a Streamlit server answers there."""
    base = address.partition("?")[0].rstrip("/")
    try:
        return httpx.get(f"{base}/_stcore/health", timeout=2.0, trust_env=False).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


class _House:
    """The processes, from the start of the first to the end of the last."""

    def __init__(self, settings: "Settings", ready: Say, say: Say) -> None:
        self._settings = settings
        self._ready = ready
        self._say = say
        self._stop = threading.Event()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []

    def keep(self, service: Command | None, *, page: bool) -> int:
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._asked) for number in handled}
        try:
            address = ""
            if page:
                with listen(self._settings.host, self._settings.page_port, option="--page-port") as free:
                    host, port = free.getsockname()[:2]
                    key = secrets.token_urlsafe(16)  # 128 bits
                    address = f"{url(free)}/?key={key}"
                page_process = page_command(self._settings, host=host, port=port, key=key)
            self._say(text("cli.up_starting"))
            if service is not None:
                self._start("service", service)
            if page:
                self._start("page", page_process)
            if not self._await(address):
                return self._code()
            while self._all_alive() and not self._stop.wait(_POLL_SECONDS):
                pass
            return self._code()
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _start(self, name: str, command: Command) -> None:
        folder = self._settings.home / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        log = os.fdopen(os.open(folder / f"{name}.out", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb")
        self._logs.append(log)
        self._children[name] = subprocess.Popen(  # noqa: S603 (the arguments are made above)
            list(command.arguments),
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            # What the service says when it cannot start is for the person who started it.
            stderr=None if name == "service" else log,
            # A session of its own: Ctrl-C reaches this process alone, and it ends the others in order.
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    def _await(self, page: str) -> bool:
        """Waits until all answer; False where one ended or a signal came first."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if not self._all_alive() or self._stop.is_set():
                return False
            record = ServiceRecord.read(self._settings.home)
            service = self._children.get("service")
            ours = record is not None and (service is None or record.pid == service.pid) and answers(record)
            if record is not None and ours and (not page or page_answers(page)):
                if page:
                    noted = record.model_copy(update={"page": page})
                    write_private(self._settings.service_path, noted.model_dump_json())
                self._ready(page or record.address)
                return True
            if time.monotonic() > deadline:
                self._say(
                    text("cli.up_slow", seconds=round(_START_SECONDS), logs=self._settings.home / "logs")
                )
                return False
            self._stop.wait(_POLL_SECONDS)

    def _all_alive(self) -> bool:
        return all(child.poll() is None for child in self._children.values())

    def _code(self) -> int:
        if self._stop.is_set():
            return 0
        ended = {
            name: child.returncode for name, child in self._children.items() if child.returncode is not None
        }
        for name, code in ended.items():
            # The service has already said in a sentence why it could not start (codes 2 and 3).
            if not (name == "service" and code in (2, 3)):
                self._say(text(f"cli.up_{name}_ended", code=code, logs=self._settings.home / "logs"))
        return 2 if ended.get("service") == 2 else 3

    def _end(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        for log in self._logs:
            log.close()


def _end_with_parent() -> None:
    """Asks the kernel to end this process when the one that started it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
