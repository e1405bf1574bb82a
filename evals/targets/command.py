"""Any program as a target: a question a line in, a JSON object a line out."""

import os
import queue
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, TypeVar, cast

from evals.targets.lines import AnswerLine, ForeignLine, Line, SearchLine, read_line
from terakoya.errors import BadInput, TargetLost, Unavailable
from terakoya.protocols import Offer
from terakoya.types import Effort, Outcome, Ranking

TIMEOUT: Final = 300.0
"""Seconds that a question may take; the first one, as long as the program takes to start besides."""
LONGEST_LINE: Final = 16 * 2**20
_SHOWN: Final = 200
_AHEAD: Final = 64
"""Lines that are read before they are asked for: a program that writes on and on waits."""
_FAREWELL: Final = 5.0

L = TypeVar("L", bound=Line)


class CommandTarget:
    """A program that is started once and asked line by line.

    It reads questions from its standard input, one a line in UTF-8, and writes to its standard output for each,
    in this order, a JSON object on a line of its own, at once: that of `terakoya ask --json`, of which `answer`
    and `answered` must be there and `source`, `start_line` and `end_line` of each citation; where it is only
    searched, that of `terakoya search --json`. `{"error": "why"}` fails the question alone. What it writes to
    standard error is shown where it ends too soon.

    Args:
        command: Split into words as a shell does; no shell is run. `{notes}` becomes the path of `notes`.
        notes: Folder of the suite's notes.
        part: What is asked of it: answers, or hits.
        timeout: Seconds for a question. One that takes longer fails, and the program is started again.
        copy: A folder that `close` removes.

    Raises:
        BadInput: `command` has no words, or a quotation mark without its partner.
    """

    embedder: Final = None

    def __init__(
        self,
        command: str,
        *,
        notes: Path,
        part: Offer = "ask",
        timeout: float = TIMEOUT,
        copy: Path | None = None,
    ) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise BadInput("eval_command_start", command=command, reason=error) from None
        if not words:
            raise BadInput("eval_command_start", command=command, reason="no words")
        self.offers: frozenset[Offer] = frozenset({part})
        self._command = command
        self._words = [word.replace("{notes}", str(notes)) for word in words]
        self._timeout = timeout
        self._copy = copy
        self._one = threading.Lock()
        self._run: _Run | None = None

    def ask(self, question: str, *, effort: Effort = "normal", earlier: Sequence[str] = ()) -> Outcome:
        """Asks on a line; the program knows no effort, and no question from another.

        Raises:
            BadInput: There are questions before this one.
            Unavailable: It took too long, or says itself that it failed.
            TargetLost: The program ended, or does not speak the lines.
        """
        if earlier:
            raise BadInput("eval_command_conversation", command=self._command)
        return self._reply(AnswerLine, question).outcome(question, effort)

    def search(self, query: str, *, k: int = 10) -> Ranking:
        """Searches on a line.

        Raises:
            Unavailable: As for `ask`.
            TargetLost: As for `ask`.
        """
        return self._reply(SearchLine, query).ranking(query, k)

    def close(self) -> None:
        """Ends the program: its input ends, and after 5 s it is killed, with what it started."""
        with self._one:
            run, self._run = self._run, None
            if run is not None:
                run.end()
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)

    def _reply(self, kind: type[L], question: str) -> L:
        line = " ".join(question.split())
        with self._one:
            raw = self._exchange(line)
            try:
                reply = read_line(kind, raw)
            except ForeignLine as error:
                shown = raw[:_SHOWN].decode("utf-8", "replace").strip()
                raise TargetLost(
                    "eval_command_reply", command=self._command, line=shown, reason=error
                ) from None
        if not reply.answers(line):
            raise TargetLost("eval_command_step", command=self._command, asked=line, answered=reply.asked)
        if reply.error:
            raise Unavailable("eval_command_said", command=self._command, reason=reply.error)
        return reply

    def _exchange(self, line: str) -> bytes:
        if self._run is None:
            self._run = _Run(self._command, self._words)
        try:
            return self._run.exchange(line, self._timeout)
        except TimeoutError:
            self._run.kill()
            self._run = None
            raise Unavailable(
                "eval_command_slow", command=self._command, seconds=f"{self._timeout:g}"
            ) from None


class _Run:
    """One run of the program."""

    def __init__(self, command: str, words: Sequence[str]) -> None:
        self._command = command
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the run
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            self._errors.close()
            raise TargetLost("eval_command_start", command=command, reason=error.strerror or error) from None
        self._killed = False
        self._lines: queue.Queue[bytes] = queue.Queue(_AHEAD)
        threading.Thread(target=self._read, name="target-replies", daemon=True).start()

    def exchange(self, line: str, timeout: float) -> bytes:
        """The line that comes for `line`.

        Raises:
            TimeoutError: None did.
            TargetLost: The program has ended, or has written what nobody asked for.
        """
        with suppress(queue.Empty):
            early = self._lines.get_nowait()
            raise self._unasked(early) if early.endswith(b"\n") else self._ended(early)
        stdin = cast(IO[bytes], self._process.stdin)
        with suppress(OSError):  # it has ended; what it wrote before is still to be read
            stdin.write(line.encode("utf-8", "replace") + b"\n")
            stdin.flush()
        try:
            reply = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if not reply.endswith(b"\n"):
            raise self._ended(reply)
        return reply

    def kill(self) -> None:
        """Ends it at once, with what it started; a second time it does nothing."""
        if self._killed:
            return
        self._killed = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(OSError):
            cast(IO[bytes], self._process.stdin).close()
        self._errors.close()

    def end(self) -> None:
        """Lets it end, and sees to it."""
        if self._killed:
            return
        with suppress(OSError):
            cast(IO[bytes], self._process.stdin).close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_FAREWELL)
        self.kill()

    def _read(self) -> None:
        stdout = cast(IO[bytes], self._process.stdout)
        with stdout:
            while line := stdout.readline(LONGEST_LINE):
                if line.strip() or not line.endswith(b"\n"):
                    self._offer(line)
        self._offer(b"")

    def _offer(self, line: bytes) -> None:
        while not self._killed:
            with suppress(queue.Full):
                self._lines.put(line, timeout=0.5)
                return

    def _unasked(self, line: bytes) -> TargetLost:
        shown = line[:_SHOWN].decode("utf-8", "replace").strip()
        reason = "it came before a question"
        return TargetLost("eval_command_reply", command=self._command, line=shown, reason=reason)

    def _ended(self, rest: bytes) -> TargetLost:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_FAREWELL)
        code, words = self._process.poll(), self._last_words()
        self.kill()
        if len(rest) >= LONGEST_LINE:
            shown = rest[:_SHOWN].decode("utf-8", "replace")
            reason = f"more than {LONGEST_LINE >> 20} MiB on a line"
            return TargetLost("eval_command_reply", command=self._command, line=shown, reason=reason)
        ending = "end of output" if code is None else _ending(code)
        return TargetLost("eval_command_ended", command=self._command, ending=ending, words=words)

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 4096))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][-_SHOWN:] if lines else ""


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
