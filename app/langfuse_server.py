"""A Langfuse server of one's own: its secrets, its start with compose, and its keys into the configuration.

`python -m app.langfuse_server deploy/langfuse` is what `make langfuse` runs.
"""

import argparse
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from app.configuration import set_values
from app.home import write_private
from app.loopback import listen
from app.settings import load_settings
from terakoya.catalogue import text
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, TerakoyaError, Unavailable

OLDEST: Final = (4, 59)
"""The server that version 5 of the SDK needs at least."""
COMPOSE: Final = (("docker", "compose"), ("docker-compose",), ("podman", "compose"))
"""Programs that read compose files, in the order in which they are tried."""
START_SECONDS: Final = 900.0
"""The first start fetches some 3 GB of images, and makes all tables."""
_POLL_SECONDS: Final = 2.0


def _hexadecimal() -> str:
    return secrets.token_hex(32)  # nothing in it that a URL, a shell or compose would read otherwise


SECRETS: Final[Mapping[str, Callable[[], str]]] = {
    "POSTGRES_PASSWORD": _hexadecimal,
    "CLICKHOUSE_PASSWORD": _hexadecimal,
    "REDIS_PASSWORD": _hexadecimal,
    "MINIO_PASSWORD": _hexadecimal,
    "SALT": _hexadecimal,
    "ENCRYPTION_KEY": _hexadecimal,  # Langfuse wants these 64 digits
    "NEXTAUTH_SECRET": _hexadecimal,
    "LANGFUSE_INIT_PROJECT_PUBLIC_KEY": lambda: f"pk-lf-{secrets.token_hex(16)}",
    "LANGFUSE_INIT_PROJECT_SECRET_KEY": lambda: f"sk-lf-{secrets.token_hex(16)}",
    "LANGFUSE_INIT_USER_PASSWORD": lambda: secrets.token_urlsafe(18),
}
PLAIN: Final = {
    "LANGFUSE_PORT": "3000",
    "LANGFUSE_MEDIA_PORT": "9090",
    "LANGFUSE_INIT_USER_EMAIL": "terakoya@example.com",
}
"""What a variable of the same name may change."""


def prepare(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The values for the compose file of `folder`; those that `.env` there lacks are made and added, mode 600.

    Raises:
        BadInput: A line of `.env` is none, or a port is no number.
    """
    path = folder / ".env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    places: dict[str, int] = {}
    values: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            name, mark, value = (part.strip() for part in line.partition("="))
            if not mark:
                raise BadInput("env_line", path=path, line=number + 1)
            values[name], places[name] = value.strip("\"'"), number
    wanted = {name: environ.get(name) or values.get(name) or value for name, value in PLAIN.items()}
    wanted |= {name: values.get(name) or make() for name, make in SECRETS.items()}
    for name in ("LANGFUSE_PORT", "LANGFUSE_MEDIA_PORT"):
        if not wanted[name].isdecimal() or not 0 < int(wanted[name]) < 65_536:
            raise BadInput("setting", name=name, value=wanted[name], reason="1 to 65535")
    for name, value in wanted.items():
        if values.get(name) != value:
            places[name] = places.get(name, len(lines))
            lines[places[name] : places[name] + 1] = [f"{name}={value}"]
    if values != {**values, **wanted} or path.stat().st_mode & 0o077:
        write_private(path, "\n".join([*lines, ""]))
    return {**values, **wanted}


def find_compose(run: Callable[[Sequence[str]], int]) -> tuple[str, ...]:
    """The program that reads compose files here.

    Raises:
        Unavailable: There is none, or its daemon does not answer.
    """
    for command in COMPOSE:
        if shutil.which(command[0]) and run([*command, "version"]) == 0:
            if command[0] == "docker" and run(["docker", "info"]) != 0:
                raise Unavailable("docker_down")
            return command
    raise Unavailable("compose_missing")


def await_server(address: str, keys: tuple[str, str], seconds: float, *, folder: Path) -> str:
    """Waits until the server answers and knows the keys; its version.

    Raises:
        Unavailable: It does not within `seconds`, does not know the keys, or is too old.
    """
    deadline = time.monotonic() + seconds
    said = ""
    while True:
        try:
            health = httpx.get(f"{address}/api/public/health", timeout=5.0, trust_env=False)
            projects = httpx.get(f"{address}/api/public/projects", auth=keys, timeout=5.0, trust_env=False)
            if health.status_code == projects.status_code == 200:
                version = str(health.json()["version"])
                break
            said = f"HTTP {health.status_code}, {projects.status_code}"
            if health.status_code == 200 and projects.status_code in (401, 403):
                raise Unavailable("langfuse_other", address=address, folder=folder)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            said = type(error).__name__
        if time.monotonic() > deadline:
            raise Unavailable("langfuse_slow", address=address, reason=said, folder=folder)
        time.sleep(_POLL_SECONDS)
    with contextlib.suppress(ValueError):
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise Unavailable("langfuse_old", version=version, wanted=".".join(map(str, OLDEST)))
    return version


def main(argv: Sequence[str] | None = None) -> int:
    """Starts the server, or stops it; see the module."""
    parser = argparse.ArgumentParser(prog="make langfuse", description=text("cli.about_langfuse"))
    parser.add_argument("folder", type=Path, help=text("cli.help_langfuse_folder"))
    parser.add_argument("--home", type=Path, metavar="DIR", help=text("cli.help_home"))
    parser.add_argument("--down", action="store_true", help=text("cli.help_langfuse_down"))
    parser.add_argument("--prepare", action="store_true", help=text("cli.help_langfuse_prepare"))
    arguments = parser.parse_args(argv)
    try:
        return _stop(arguments.folder) if arguments.down else _start(arguments)
    except TerakoyaError as error:
        print(text("cli.error", message=error.message()), file=sys.stderr)  # noqa: T201 - a program
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _start(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder.resolve()
    settings = load_settings(arguments.home)
    values = prepare(folder, os.environ)
    if arguments.prepare:
        _say("langfuse_prepared", path=folder / ".env")
        return 0
    (folder / "clickhouse" / "logs.xml").chmod(0o644)  # another user reads it, in the container
    compose = find_compose(_quiet)
    _compose(compose, folder, "config", "--quiet")
    if not _running(compose, folder):
        for name in ("LANGFUSE_PORT", "LANGFUSE_MEDIA_PORT"):  # told before half of it is up
            _require_free(name, int(values[name]))
    _say("langfuse_starting")
    _compose(compose, folder, "up", "--detach")
    address = f"http://localhost:{values['LANGFUSE_PORT']}"
    keys = (values["LANGFUSE_INIT_PROJECT_PUBLIC_KEY"], values["LANGFUSE_INIT_PROJECT_SECRET_KEY"])
    version = await_server(address, keys, START_SECONDS, folder=folder)
    written = {
        "langfuse_base_url": address,
        "langfuse_public_key": keys[0],
        "langfuse_secret_key": keys[1],
    }
    set_values(settings.home / "terakoya.toml", written)
    _say("langfuse_up", version=version, path=settings.home / "terakoya.toml")
    _say("langfuse_login", email=values["LANGFUSE_INIT_USER_EMAIL"], path=folder / ".env")
    if any(os.environ.get(name) for name in ("LANGFUSE_BASE_URL", "LANGFUSE_HOST", "LANGFUSE_PUBLIC_KEY")):
        _say("langfuse_shadowed")
    if ServiceClient.discover(settings.home) is not None:
        _say("langfuse_restart")
    print(address)  # noqa: T201 - what the command is for
    return 0


def _stop(folder: Path) -> int:
    _compose(find_compose(_quiet), folder.resolve(), "down")
    return 0


def _running(program: Sequence[str], folder: Path) -> bool:
    """Whether containers of the compose file are there already, which hold the ports."""
    command = [*program, "-f", "compose.yaml", "ps", "--quiet"]
    done = subprocess.run(  # noqa: S603 - fixed programs and arguments
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return bool(done.stdout.strip())


def _require_free(name: str, port: int) -> None:
    try:
        listen("127.0.0.1", port, option=name).close()
    except Unavailable:
        raise Unavailable("langfuse_port", port=port, name=name) from None


def _say(key: str, **values: object) -> None:
    print(text(f"cli.{key}", language=None, **values), file=sys.stderr, flush=True)  # noqa: T201 - a program


def _quiet(command: Sequence[str]) -> int:
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs and arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return 1
    return done.returncode


def _compose(program: Sequence[str], folder: Path, *arguments: str) -> None:
    """Runs compose with its own output in sight.

    Raises:
        Unavailable: It failed.
    """
    # A variable of the shell would go before the file, and e.g. SALT is a common name.
    environ = {name: value for name, value in os.environ.items() if name not in {*SECRETS, *PLAIN}}
    command = [*program, "-f", "compose.yaml", *arguments]
    if subprocess.run(command, cwd=folder, env=environ, check=False).returncode:  # noqa: S603 - fixed
        shown = " ".join(command)
        raise Unavailable("compose_failed", command=shown, folder=folder)


if __name__ == "__main__":
    sys.exit(main())
