"""What test workers do; a module of its own, so that a worker imports nothing else."""

import os
import signal
from pathlib import Path

from terakoya.errors import BadInput


def square(number: int) -> int:
    return number * number


def told(number: int) -> int:
    return os.getpid()


def refuse(number: int) -> int:
    raise BadInput("query_long", length=number, limit=1)


def die_of_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(place: Path) -> str:
    mark = place / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"
