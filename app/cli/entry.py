"""The way in: streams, arguments, the command, and what an error costs."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.cli.session import Opener

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
"""As shells report a process that SIGINT, or SIGPIPE, ended."""
_DUCKDB_INTERRUPTED: Final = "Query interrupted"
"""How DuckDB's bindings put the KeyboardInterrupt that came while a query ran."""


def main(argv: Sequence[str] | None = None, *, open_installation: "Opener | None" = None) -> int:
    """Runs one command and gives its exit code.

    Args:
        argv: Arguments without the program's name; those of the process by default.
        open_installation: Opens an installation in this process; that of the wiring by default.
    """
    _prepare_streams()
    try:
        code = _command(sys.argv[1:] if argv is None else argv, open_installation)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return BROKEN_PIPE


def _command(argv: Sequence[str], opener: "Opener | None") -> int:
    # Imported here so that Ctrl-C while modules load ends without a traceback too.
    from app.cli.parser import parse
    from app.cli.session import Session

    session = Session(home=None, json=False, opener=opener)
    try:
        arguments = parse(argv)
        session = Session(home=getattr(arguments, "home", None), json=arguments.json, opener=opener)
        command: Callable[..., int] = importlib.import_module(f"app.cli.{arguments.module}").run
        return command(session, arguments)
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, RuntimeError) and str(error) == _DUCKDB_INTERRUPTED:
            raise KeyboardInterrupt from error
        return session.report(error)


def _prepare_streams() -> None:
    """UTF-8 out whatever the locale says, and no character that stops a command."""
    if sys.stdin is None:  # closed by whoever started this process: as a file without a line
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this process
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _forget_stdout() -> None:
    # Nobody reads any more: what is left in the buffer must not raise again when the process ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
