"""The arena: two answers to one question, side by side and without names; votes, and what they say of who is better."""

from evals.arena.ballots import Ballots
from evals.arena.duel import Duel, Reply, Verdict, Vote, settled
from evals.arena.ranking import Bout, Standing, ranked
from evals.arena.referee import Referee

__all__ = [
    "Ballots",
    "Bout",
    "Duel",
    "Referee",
    "Reply",
    "Standing",
    "Verdict",
    "Vote",
    "ranked",
    "settled",
]
