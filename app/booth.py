"""The arena of a service: the notes that it has, asked under two settings."""

import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from app.arena import CURRENT, PERSON, cast
from app.evaluating import history_path
from app.home import prepare_home
from app.question import checked_question
from app.variants import variants
from evals.arena import Ballots, Reply, settled
from evals.arena import Duel as Kept
from evals.history import History
from terakoya.api import (
    AskResult,
    Duel,
    DuelReply,
    DuelRequest,
    StandingModel,
    Unveiled,
    VoteRequest,
)
from terakoya.errors import BadInput, NotFound

if TYPE_CHECKING:
    from app.installation import Installation
    from app.settings import Settings

OPEN: Final = 4
"""Settings whose parts stay built."""
WAITING: Final = 100
"""Duels without a vote that are remembered."""


class Booth:
    """Asks two sides, and remembers who was who until a vote is cast. Safe in several threads.

    Args:
        installation: Whose notes are asked; its store, tracer and models serve the sides too.
    """

    def __init__(self, installation: "Installation") -> None:
        self._installation = installation
        self._seed = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._sides: OrderedDict[str, Installation] = OrderedDict()
        self._waiting: OrderedDict[str, Kept] = OrderedDict()

    def duel(self, request: DuelRequest) -> Duel:
        """Asks both sides.

        Raises:
            BadInput: A setting cannot be used, or both sides are the same.
            Unavailable: There are no notes yet.
        """
        question = checked_question(request.question)
        settings = self._installation.settings
        sides = [_side(settings, given) for given in (request.first, request.second)]
        names = (sides[0][0], sides[1][0])
        if names[0] == names[1]:
            raise BadInput("eval_arena_alone")
        outcomes = [self._opened(name, chosen).ask(question) for name, chosen in sides]
        replies = (Reply.of(outcomes[0]), Reply.of(outcomes[1]))
        kept = Kept(
            question=question, names=names, replies=replies, swapped=settled(question, names, self._seed)
        )
        shown = [AskResult.of(outcome) for outcome in (outcomes[::-1] if kept.swapped else outcomes)]
        left, right = (
            DuelReply(answer=one.answer, answered=one.answered, citations=one.citations) for one in shown
        )
        duel_id = secrets.token_hex(16)
        same = replies[0].same(replies[1])
        if not same:
            with self._lock:
                self._waiting[duel_id] = kept
                while len(self._waiting) > WAITING:
                    self._waiting.popitem(last=False)
        return Duel(duel_id=duel_id, question=question, a=left, b=right, same=same)

    def vote(self, duel_id: str, request: VoteRequest) -> Unveiled:
        """Keeps a vote, and tells who was who.

        Raises:
            NotFound: No such duel waits for a vote.
        """
        with self._lock:
            kept = self._waiting.pop(duel_id, None)
        if kept is None:
            raise NotFound("eval_duel_unknown")
        try:
            cast(self._installation.settings, kept.voted(request.verdict, PERSON))
        except BaseException:
            with self._lock:
                self._waiting[duel_id] = kept  # it may be cast again
            raise
        left, right = kept.shown_names
        return Unveiled(a=left, b=right)

    def standings(self) -> list[StandingModel]:
        """The leaderboard by all votes of this home."""
        path = history_path(self._installation.settings)
        if not path.exists():
            return []
        with History(path) as history:
            found = Ballots(history).standings()
        return [
            StandingModel(
                name=s.name,
                points=s.points,
                low=s.low,
                high=s.high,
                wins=s.wins,
                losses=s.losses,
                ties=s.ties,
                bad=s.bad,
                bounded=s.bounded,
            )
            for s in found
        ]

    def _opened(self, name: str, settings: "Settings") -> "Installation":
        from app.wiring import open_beside

        with self._lock:
            if name not in self._sides:
                place = self._installation.settings.home / "evals" / "arena"
                for folder in (place.parent, place):
                    prepare_home(folder)
                chosen = settings.model_copy(update={"home": place})
                self._sides[name] = open_beside(self._installation, chosen)
            self._sides.move_to_end(name)
            while len(self._sides) > OPEN:
                self._sides.popitem(last=False)  # another thread may still be asking it
            return self._sides[name]


def _side(settings: "Settings", given: str) -> tuple[str, "Settings"]:
    found = variants(settings, given.split())
    if len(found) > 1:
        raise BadInput("eval_set", given=given)
    return found[0].label or CURRENT, found[0].settings
