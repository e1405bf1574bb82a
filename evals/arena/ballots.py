"""The votes of a home, in the file of its history."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from evals.arena.duel import Reply, Vote
from evals.arena.ranking import Bout, Standing, ranked
from evals.history import History

_REPLIES: Final[TypeAdapter[tuple[Reply, Reply]]] = TypeAdapter(tuple[Reply, Reply])
_THERE: Final = "SELECT 1 FROM information_schema.tables WHERE table_name = 'votes'"
_ADD: Final = """
    INSERT INTO votes VALUES ($id, $at, $voter, $question, $first, $second, $replies, $verdict)
"""
_ALL: Final = """
    SELECT question, first, second, replies, verdict, voter, strftime(cast_at, '%Y-%m-%dT%H:%M:%S+00:00')
    FROM votes ORDER BY cast_at, rowid
"""


class Ballots:
    """Votes, kept and counted.

    Args:
        history: Open; for writing, where votes are added.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    def add(self, vote: Vote) -> None:
        """Keeps a vote."""
        self._history.rows(
            _ADD,
            id=secrets.token_hex(8),
            at=datetime.now(UTC).replace(tzinfo=None),
            voter=vote.voter,
            question=_writable(vote.question),
            first=_writable(vote.names[0]),
            second=_writable(vote.names[1]),
            replies=_writable(json.dumps([asdict(reply) for reply in vote.replies], ensure_ascii=False)),
            verdict=vote.verdict,
        )

    def votes(self) -> list[Vote]:
        """All, the oldest first."""
        if not self._history.rows(_THERE):  # a version before votes wrote the file
            return []
        return [_vote(*row) for row in self._history.rows(_ALL)]

    def standings(self, voter: str = "") -> list[Standing]:
        """The leaderboard by all votes, or by those whose voter's name begins with `voter`."""
        return ranked(bouts([vote for vote in self.votes() if vote.voter.startswith(voter)]))


def bouts(votes: Sequence[Vote]) -> list[Bout]:
    """What the ranking needs of votes."""
    return [Bout(names=vote.names, verdict=vote.verdict) for vote in votes]


def _vote(question: str, first: str, second: str, replies: str, verdict: Any, voter: str, at: str) -> Vote:
    return Vote(
        question=question,
        names=(first, second),
        replies=_REPLIES.validate_json(replies),
        verdict=verdict,
        voter=voter,
        at=at,
    )


def _writable(words: str) -> str:
    # An unpaired surrogate, which a model may emit, cannot be written as UTF-8.
    return words.encode("utf-8", "replace").decode()
