"""Several outputs at once: one batch through the model for the next token of each, and a slice of a prompt."""

import queue
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass

from app.models.choosing import NothingLeft
from app.models.generation import FinishReason
from app.models.line import Line
from app.models.native import ModelError, NativeModel
from app.models.sequences import Sequences
from app.models.shelf import Shelf
from app.models.slices import Slices
from app.models.task import Task

_ALIKE = 16
"""Tokens more that another prompt must share than what is known, for waiting until they are read."""
_SHORT = 256
"""Tokens of a text that is put away in some hundredths of a second; longer ones wait for a pause."""
_PAUSE_SECONDS = 0.5
_MOST_DRAFTED = 2
"""Outputs at once up to which drafts pay: with more, the batch is full of sure tokens."""


@dataclass(slots=True)
class _Share:
    """What a batch holds for a task."""

    task: Task
    tokens: list[int]
    row: int
    wanted: int
    drafted: int = 0


class Batcher:
    """Works on the tasks that it is given; those who ask take turns (see `app.models.line`).

    A prompt is evaluated in slices, so that a cancel is heard and others go on meanwhile; a slice alone takes
    the whole batch. A task is admitted when its prompt and the longest output that it may have find room
    beside those that run, so none runs out of context on the way; what is kept of earlier texts makes room.
    One slot is kept from whoever has all the others, for somebody else who may come.

    `submit` and `cancel` may be called on any thread, `step` on one.
    """

    def __init__(self, model: NativeModel, shelf: Shelf, *, slots: int) -> None:
        self._model = model
        self._slots = slots
        self._inbox: queue.SimpleQueue[Task | int] = queue.SimpleQueue()
        self._waiting = Line()
        self._running: list[Task] = []
        self._slices = Slices(model.batch_tokens)
        self._tidying = threading.Lock()
        self.sequences = Sequences(model, shelf)

    def submit(self, task: Task) -> None:
        """Puts a task at the end of the queue."""
        self._inbox.put(task)

    def cancel(self, number: int) -> None:
        """Ends the task of this number, within a batch too."""
        self._inbox.put(number)
        self._model.abort(True)

    def census(self) -> dict[str, int]:
        """Requests that run and wait, and see `Sequences.census`; exact while nothing runs."""
        with self._tidying:
            held = self.sequences.census()
        return {"running": len(self._running), "waiting": len(self._waiting), **held}

    def step(self) -> None:
        """Brings every running output one token further; waits while there is none."""
        # In this order: a cancel that comes in between aborts the batch, and is found at the next step.
        self._model.abort(False)
        self._listen()
        self._admit()
        self._tell_positions()
        shares = self._plan()
        if not shares:
            return
        began = time.monotonic()
        try:
            whole = self._model.evaluate()
        except ModelError as error:
            for share in shares:
                self._fail(share.task, error)
            return
        if not whole:
            for share in shares:
                self.sequences.cut(share.task.sequence, len(share.task.sequence))
            return
        seconds = time.monotonic() - began
        read = sum(len(share.tokens) for share in shares if share.task.output == 0)
        self._slices.measure(read=read, beside=len(self._model.batch) - read, seconds=seconds)
        for share in shares:
            self._settle(share)

    def _listen(self) -> None:
        while True:
            command = self._heard(idle=not self._running and not self._waiting)
            if command is None:
                return
            if isinstance(command, Task):
                self._waiting.join(command)
                continue
            for task in (*self._running, *self._waiting):
                if task.number == command:
                    self._end(task, "cancelled")

    def _heard(self, *, idle: bool) -> Task | int | None:
        """What comes next; None where nothing is there and there is something to do."""
        try:
            if not idle:
                return self._inbox.get(block=False)
            self._tidy(_SHORT)
            return self._inbox.get(timeout=_PAUSE_SECONDS)
        except queue.Empty:
            if not idle:
                return None
        self._tidy(self._model.cells)
        return self._inbox.get()

    def _tidy(self, longest: int) -> None:
        """While nobody asks: one text at a time, so that whoever comes does not wait for long."""
        more = True
        while more and self._inbox.empty():
            with self._tidying:
                more = self.sequences.tidy(longest)

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._slots:
            task = self._waiting.first(self._full())
            if task is None:
                return
            known, shared = self.sequences.known(task.prompt)
            promised = sum(other.promised for other in self._running)
            if not self.sequences.fits(len(task.prompt) + task.room, promised, shared):
                return
            if self._is_being_read(task, known):
                return
            self._waiting.serve(task)
            room = self._model.cells - promised - sum(len(t.held) for t in self._running if t.held)
            task.held = self.sequences.open(task.prompt, room)
            task.known = len(task.held)
            self._running.append(task)
            task.position = 0
            task.tell(
                "started", input_tokens=len(task.prompt), cached_tokens=task.known, thinking=task.thinking
            )

    def _full(self) -> set[str]:
        """Those who have all slots but one; requests of nobody in particular may have all."""
        running = Counter(task.asker for task in self._running if task.asker)
        return {name for name, count in running.items() if count >= max(1, self._slots - 1)}

    def _is_being_read(self, task: Task, known: int) -> bool:
        """Whether another prompt that begins alike is being evaluated: to wait for it is quicker."""
        for other in self._running if self._model.rewindable else ():
            if other.held is None or other.pending <= 1:
                continue
            common = 0
            for mine, theirs in zip(task.prompt, other.prompt, strict=False):
                if mine != theirs:
                    break
                common += 1
            if min(common, len(task.prompt) - 1) > max(known, len(other.held)) + _ALIKE:
                return True
        return False

    def _tell_positions(self) -> None:
        for position, task in enumerate(self._waiting, start=1):
            if task.position != position:
                task.position = position
                task.tell("queued", position=position)

    def _plan(self) -> list[_Share]:
        batch = self._model.batch
        batch.clear()
        decoding = [task for task in self._running if task.pending == 1 and task.output]
        shares = self._shares(decoding)
        left = self._model.batch_tokens - len(batch)
        if decoding:
            left = min(left, self._slices.tokens)
        for task in self._running:
            if task in decoding or left <= 0:
                continue
            count = min(task.pending, left)
            shares.append(self._slice(task, count))
            left -= count
        self.sequences.make_room(len(batch))
        return shares

    def _shares(self, decoding: list[Task]) -> list[_Share]:
        drafts = [self._draft(task, len(decoding)) for task in decoding]
        if any(drafts):
            return [self._share(task, draft) for task, draft in zip(decoding, drafts, strict=True)]
        tokens = [task.tokens[-1] for task in decoding]
        held = [task.sequence for task in decoding]
        first = self._model.batch.add_each(tokens, [len(one) for one in held], [one.number for one in held])
        return [_Share(task, [task.tokens[-1]], row, 1) for row, task in enumerate(decoding, first)]

    def _draft(self, task: Task, together: int) -> list[int]:
        if task.lookup is None or together > _MOST_DRAFTED or not self._model.rewindable:
            return []
        return task.lookup.draft()[: max(0, task.room - task.output - 1)]

    def _share(self, task: Task, draft: list[int]) -> _Share:
        tokens = [task.tokens[-1], *draft]
        row = self._model.batch.add(
            tokens, start=len(task.sequence), sequence=task.sequence.number, wanted=len(tokens)
        )
        return _Share(task, tokens, row, len(tokens), len(draft))

    def _slice(self, task: Task, count: int) -> _Share:
        start = len(task.sequence)
        tokens = task.tokens[start : start + count]
        wanted = int(start + count == len(task.tokens))
        row = self._model.batch.add(tokens, start=start, sequence=task.sequence.number, wanted=wanted)
        return _Share(task, tokens, row + count - 1, wanted)

    def _settle(self, share: _Share) -> None:
        """Takes what the batch gave for a task."""
        task = share.task
        self.sequences.grew(task.sequence, share.tokens)
        if not share.wanted:
            return
        right = 0
        try:
            for place in range(share.wanted):
                choice = task.chooser.choose(self._model.logits(share.row + place))
                drafted = share.tokens[place + 1] if place + 1 < len(share.tokens) and share.drafted else None
                reason: FinishReason | None = (
                    "stop"
                    if self._model.ends(choice.token)
                    else task.take(choice, self._model.spelling(choice.token))
                )
                agreed = choice.token == drafted
                right += agreed
                if reason or not agreed:
                    break
            if share.drafted:
                self._judge(task, share.drafted, right)
            if reason:
                self._end(task, reason)
        except NothingLeft:
            self._end(task, "stop")
        except Exception as error:  # one output's trouble is not the others'
            self._fail(task, error)

    def _judge(self, task: Task, drafted: int, right: int) -> None:
        task.drafted += drafted
        task.taken += right
        if task.lookup is not None:
            task.lookup.judge(drafted, right)
        if right < drafted:
            self.sequences.cut(task.sequence, len(task.sequence) - (drafted - right))

    def _leave(self, task: Task) -> None:
        if task in self._running:
            self._running.remove(task)
        else:
            self._waiting.leave(task)
        task.close()

    def _end(self, task: Task, reason: FinishReason) -> None:
        self._leave(task)
        if task.held is not None:
            self.sequences.keep(task.held)
        task.end(reason, self._text)

    def _fail(self, task: Task, error: Exception) -> None:
        self._leave(task)
        if task.held is not None:
            self.sequences.drop(task.held)
        if isinstance(error, ModelError):
            values = {name: x if isinstance(x, int) else str(x) for name, x in error.values.items()}
            task.tell("error", code=error.code, values=values)
        else:
            reason = f"{type(error).__name__}: {error}"
            sys.stderr.write(f"{reason}\n")
            task.tell("error", code="internal", values={"reason": reason})

    def _text(self, token: int) -> str:
        return self._model.spelling(token).decode("utf-8", "replace")
