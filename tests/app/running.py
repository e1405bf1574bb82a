"""Real processes for the tests of service and command line."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAKES = Path(__file__).with_name("fakes.py")


def clean_environment(**added):
    """The environment without settings of the person who runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERAKOYA_", "LANGFUSE_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "TERAKOYA_LANGUAGE": "en", **added}


def until(look, *, seconds=60):
    """What `look` gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Processes:
    """Starts programs of these tests, and ends what is left of them."""

    def __init__(self):
        self.started = []

    def start(self, *arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            env=clean_environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                with suppress(BrokenPipeError):  # what was not read is nobody's loss now
                    stream.close()
