"""Which process writes a trace, so that another can tell when it is gone."""

import os
import secrets
import socket
import sys
from typing import Final

TOKEN: Final = secrets.token_hex(4)
"""Tells this run from an earlier one that had the same process id, as in a container."""


def identity() -> str:
    """`host/process id/token` of this process."""
    return f"{socket.gethostname()}/{os.getpid()}/{TOKEN}"


def is_gone(writer: str) -> bool:
    """Whether the process with this `identity` has surely ended; False where that cannot be known."""
    host, number, token = (*writer.rsplit("/", 2), "", "")[:3]
    if host != socket.gethostname() or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return token != TOKEN
    if sys.platform == "win32":  # signal 0 would end the process there
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
