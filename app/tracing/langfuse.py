"""Carries traces from the files to Langfuse, in a thread of its own."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from secrets import SystemRandom
from typing import TYPE_CHECKING, Final, Literal

from app.tracing.account import Account
from app.tracing.cursor import exclusive
from app.tracing.masking import Masker
from app.tracing.redaction import describe
from app.tracing.sampling import Sampling
from app.tracing.sieve import Sieve
from app.tracing.tail import Item, Tail

if TYPE_CHECKING:
    from app.tracing.client import LangfuseClient, Reply

log = logging.getLogger(__name__)

POLL: Final = 1.0
"""Seconds between looks at the files, for lines that other processes wrote."""
FIRST_PAUSE: Final = 0.5
"""Seconds before the first retry; doubles each time."""
LONGEST_PAUSE: Final = 60.0
BATCH_ITEMS: Final = 50
BATCH_BYTES: Final = 2 * 2**20
"""Bytes of lines in one request; a server's limit counts compressed bytes."""
SCORE_BYTES: Final = 900_000
"""The same for scores, whose requests are not compressed, and end at 1 MB."""
MAX_SPANS: Final = 512
"""Spans in one request, the SDK's own default. A longer trace goes in several, parents first."""
READ_AHEAD: Final = 8 * 2**20
MAX_STUCK_SCORES: Final = 1_000
"""Scores kept for a server that refuses all of them (one older than the SDK's floor does)."""
LOCK_NAME: Final = "langfuse.lock"
REFUSED_NAME: Final = "langfuse.refused.jsonl"

_random = SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryState:
    """How delivery stands.

    Attributes:
        delivered: Traces and scores that the server took since the start.
        refused: Those it refused for good; their ids stand in `langfuse.refused.jsonl`.
        waiting: Those read from the files and not delivered yet.
        problem: Why nothing can be delivered now; empty when it can.
    """

    delivered: int
    refused: int
    waiting: int
    problem: str


class _Lane:
    """Items of one type, sent in order, with pauses that grow while the server does not take them."""

    def __init__(self, kind: Literal["trace", "score"]) -> None:
        self.kind = kind
        self.failures = 0
        self.not_before = 0.0
        self.reason = ""

    def delay(self, reply: "Reply") -> None:
        """After a failure."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self.failures) * _random.uniform(0.5, 1.0)
        self.not_before = time.monotonic() + max(pause, reply.retry_after)
        if self.reason != reply.reason:
            log.warning("Langfuse does not take %ss now (%s); they wait on disk", self.kind, reply.reason)
        self.failures = min(self.failures + 1, 30)
        self.reason = reply.reason

    def succeed(self) -> None:
        """After a success."""
        if self.reason:
            log.info("Langfuse takes %ss again", self.kind)
        self.failures, self.not_before, self.reason = 0, 0.0, ""


class LangfuseDelivery:
    """Delivers what stands in the trace files of `folder`, in order, each trace and score once.

    One process of an installation delivers at a time, whoever holds the lock file; another one's close only
    has to write its files. Nothing is sent before the cursor says that it was not, and the cursor moves after
    the server has accepted; what a crash makes go out twice has the same ids, which Langfuse merges.
    """

    def __init__(
        self,
        account: Account,
        folder: Path,
        *,
        poll: float = POLL,
        masker: Masker | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        """Begins to deliver.

        Args:
            account: Where to.
            folder: Of the trace files.
            poll: Seconds between looks at the files.
            masker: What is taken out of what was not written by the same rules.
            sampling: What goes at all; everything by default.
        """
        self.folder = folder
        self._masker = masker or Masker()
        self._sieve = Sieve(folder, sampling or Sampling())
        self.poll = poll
        self._account = account
        self._lanes: dict[str, _Lane] = {"trace": _Lane("trace"), "score": _Lane("score")}
        self._wake = threading.Event()
        self._deadline: float | None = None
        self._delivered = 0
        self._refused = 0
        self._waiting = 0
        self._thread = threading.Thread(target=self._run, name="langfuse-delivery", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """New lines stand in the files."""
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Makes one last try within `timeout` seconds."""
        if self._deadline is not None:
            return
        self._deadline = time.monotonic() + max(timeout, 0.0)
        self._wake.set()
        self._thread.join(max(timeout, 0.0))
        if self._thread.is_alive():
            log.warning("Langfuse did not take everything in time; the rest waits in %s", self.folder)

    def forget(self, trace_ids: Iterable[str]) -> None:
        """Sends nothing more of these traces."""
        self._sieve.forget(trace_ids)
        self._wake.set()

    def state(self) -> DeliveryState:
        """How delivery stands."""
        return DeliveryState(
            delivered=self._delivered,
            refused=self._refused,
            waiting=self._waiting,
            problem=next((lane.reason for lane in self._lanes.values() if lane.reason), ""),
        )

    def _run(self) -> None:
        self._wake.wait(self.poll)  # the imports below would slow the start of a short command
        while True:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with exclusive(self.folder / LOCK_NAME) as mine:
                    if mine:
                        self._deliver()
            except Exception as error:
                log.warning("delivery to Langfuse begins anew: %s", describe(error))
            if self._deadline is not None:
                return
            self._wake.wait(self.poll)
            self._wake.clear()

    def _deliver(self) -> None:
        from app.tracing.client import LangfuseClient

        tail = Tail(self.folder)
        client = LangfuseClient(self._account)
        try:
            while True:
                closing = self._deadline is not None
                self._pass(tail, client)
                if closing:
                    return
                self._wake.wait(self.poll)
                self._wake.clear()
        finally:
            client.close()

    def _pass(self, tail: Tail, client: "LangfuseClient") -> None:
        """Sends all that can be sent now."""
        while True:
            at_end = tail.read(most=READ_AHEAD)
            self._sieve.sift(tail)
            went_on = self._send(self._lanes["trace"], tail, client)
            # a thumb down waits for its trace, which is read back because of it
            if went_on or not self._sieve.brought_back(tail):
                went_on = self._send(self._lanes["score"], tail, client) and went_on
            self._waiting = len(tail.traces) + len(tail.scores)
            if at_end or not went_on:
                return

    def _send(self, lane: _Lane, tail: Tail, client: "LangfuseClient") -> bool:
        """Empties one lane; False when the server does not take it now."""
        queue = tail.traces if lane.kind == "trace" else tail.scores
        post = self._post_traces if lane.kind == "trace" else self._post_scores
        while queue:
            left = self._time_left()
            if left <= 0 or (self._deadline is None and time.monotonic() < lane.not_before):
                return False
            batch = _batch(queue, BATCH_BYTES if lane.kind == "trace" else SCORE_BYTES)
            reply = post(client, batch, left)
            accepted = batch if reply.verdict == "accepted" else []
            refused: list[Item] = []
            if reply.verdict == "refused":
                accepted, refused, reply = self._one_by_one(client, batch, post, reply)
            if not accepted and lane.kind == "score" and len(queue) > MAX_STUCK_SCORES and refused:
                refused = refused[: len(queue) - MAX_STUCK_SCORES]
            elif not accepted:
                lane.delay(reply)
                return False
            lane.succeed()
            self._settle(lane, tail, accepted, refused, reply)
            if reply.verdict == "later":
                lane.delay(reply)
                return False
        return True

    def _one_by_one(
        self,
        client: "LangfuseClient",
        batch: list[Item],
        post: Callable[["LangfuseClient", Sequence[Item], float], "Reply"],
        reply: "Reply",
    ) -> tuple[list[Item], list[Item], "Reply"]:
        """Finds out which items of a refused batch the server does not like.

        A server that takes some and refuses others means the others; one that refuses all has a problem of
        its own, and all of them wait.
        """
        accepted: list[Item] = []
        refused: list[Item] = []
        for item in batch if len(batch) > 1 else ():
            left = self._time_left()
            if left <= 0:
                break
            reply = post(client, [item], left)
            if reply.verdict == "later":
                break
            (accepted if reply.verdict == "accepted" else refused).append(item)
        return accepted, refused if accepted else refused or batch, reply

    def _settle(
        self, lane: _Lane, tail: Tail, accepted: list[Item], refused: list[Item], reply: "Reply"
    ) -> None:
        self._delivered += len(accepted)
        self._refused += len(refused) + reply.rejected
        if reply.rejected:
            log.warning("Langfuse lost %d of what it was sent", reply.rejected)
        if refused:
            log.warning("Langfuse refuses %d %ss for good; see %s", len(refused), lane.kind, REFUSED_NAME)
        try:
            tail.settle([*accepted, *refused])
            if refused:
                self._note_refused(lane, refused)
        except OSError as error:  # the tail knows all the same; only a restart would send these again
            log.warning("the place of delivery could not be noted: %s", describe(error))

    def _note_refused(self, lane: _Lane, refused: list[Item]) -> None:
        now = time.time_ns()
        lines = "".join(
            f"{json.dumps({'type': lane.kind, 'key': item.key, 'time': now})}\n" for item in refused
        )
        descriptor = os.open(self.folder / REFUSED_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(lines)

    def _post_traces(self, client: "LangfuseClient", batch: Sequence[Item], timeout: float) -> "Reply":
        from app.tracing.client import Reply

        trees = [[self._masker.record(span) for span in item.ordered()] for item in batch]
        spans = [(span, tree[0]) for tree in trees for span in tree]
        for start in range(0, len(spans), MAX_SPANS):
            reply = client.send_spans(spans[start : start + MAX_SPANS], timeout=timeout)
            if reply.verdict != "accepted":
                return reply
        return Reply(verdict="accepted")

    def _post_scores(self, client: "LangfuseClient", batch: Sequence[Item], timeout: float) -> "Reply":
        latest = {item.score.score_id: self._masker.record(item.score) for item in batch if item.score}
        return client.send_scores(list(latest.values()), timeout=timeout)

    def _time_left(self) -> float:
        """Seconds that a request may take now."""
        if self._deadline is None:
            return self._account.timeout
        return min(self._account.timeout, self._deadline - time.monotonic())


def _batch(queue: Sequence[Item], most: int) -> list[Item]:
    """At least two where there are two: only beside another can an item be told to be refused for good."""
    batch: list[Item] = []
    size = 0
    for item in islice(queue, BATCH_ITEMS):
        size += item.size
        if len(batch) > 1 and size > most:
            break
        batch.append(item)
    return batch
