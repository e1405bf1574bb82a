"""The arena of a service: the notes that it has, asked under two settings."""

import re
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from app.arena import CURRENT, PERSON, cast
from app.away import Away
from app.evaluating import history_path
from app.home import prepare_home
from app.models.choice import RemoteChoice, chosen
from app.models.library import Library
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
from terakoya.errors import BadInput, NotFound, Unavailable
from terakoya.types import Outcome

if TYPE_CHECKING:
    from app.installation import Installation
    from app.settings import Settings

OPEN: Final = 4
"""Settings whose parts stay built."""
WAITING: Final = 100
"""Duels without a vote that are remembered."""
NO_MODEL: Final = "none"
"""As the setting `model` has it: quotes alone."""
_BETWEEN: Final = re.compile(r"\s+(?=[\w.]+=)")


class Booth:
    """Asks two sides, one duel at a time, and remembers who was who until a vote is cast. Safe in several threads.

    Args:
        installation: Whose notes are asked; its store and tracer serve the sides too, and its models those that
            name no others.
    """

    def __init__(self, installation: "Installation") -> None:
        self._installation = installation
        self._seed = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._sides: OrderedDict[str, Installation] = OrderedDict()
        self._waiting: OrderedDict[str, Kept] = OrderedDict()

    def duel(self, request: DuelRequest) -> Duel:
        """Asks both sides.

        Raises:
            BadInput: A setting cannot be used, or both sides are the same.
            Unavailable: There are no notes yet, or a side's model cannot be asked.
        """
        question = checked_question(request.question)
        sides = [self._side(given) for given in (request.first, request.second)]
        names = (sides[0][0], sides[1][0])
        if names[0] == names[1]:
            raise BadInput("eval_arena_alone")
        with self._asking:
            outcomes = [self._answered(name, settings, question) for name, settings in sides]
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

    def models(self) -> list[str]:
        """What a side may name as its `model`: those of the settings, the files of the home, and `none`.

        Nothing where there is no model to choose.
        """
        settings = self._installation.settings
        files = [path.stem for path in Library(settings.models_path).files()]
        found = list(dict.fromkeys((*settings.chat_models, *files)))
        return [*found, NO_MODEL] if found else []

    def _side(self, given: str) -> tuple[str, "Settings"]:
        settings = self._installation.settings
        found = variants(settings, _BETWEEN.split(given.strip()) if given.strip() else ())
        if len(found) > 1:
            raise BadInput("eval_set", given=given)
        side = found[0].settings
        # Notes and keys go to no server that whoever set up this home has not named.
        known = {choice.endpoint.url for choice in chosen(settings) if isinstance(choice, RemoteChoice)}
        for choice in chosen(side):
            if isinstance(choice, RemoteChoice) and choice.endpoint.url not in known:
                raise BadInput("eval_arena_server", url=choice.endpoint.url)
        return found[0].label or CURRENT, side

    def _answered(self, name: str, settings: "Settings", question: str) -> Outcome:
        side = self._opened(name, settings)
        self._make_room(name, side)
        away = Away()
        outcome = side.ask(question, listen=away)
        if away.messages:  # a vote would be for what answered in its place
            raise Unavailable("eval_model_away", reason=away.messages[0])
        return outcome

    def _opened(self, name: str, settings: "Settings") -> "Installation":
        from app.wiring import open_beside

        if name not in self._sides:
            place = self._installation.settings.home / "evals" / "arena"
            for folder in (place.parent, place):
                prepare_home(folder)
            ours = self._installation.settings
            # models and keys are those of the home
            shared = {
                "home": place,
                "models_folder": ours.models_path,
                "keys_file": ours.keys_path,
                "threads": "",
            }
            self._sides[name] = open_beside(self._installation, settings.model_copy(update=shared))
        self._sides.move_to_end(name)
        while len(self._sides) > OPEN:
            self._leave(next(iter(self._sides)))
        return self._sides[name]

    def _make_room(self, name: str, side: "Installation") -> None:
        """Ends the other sides' models where this side's one has no memory beside them."""
        models = side.wiring.models
        models.chat_models()
        for engine in models.engines.values():
            if engine.worker_pid is None:
                try:
                    engine.check()
                except Unavailable as error:
                    if error.key != "model_memory":
                        raise
                    for other in [other for other in self._sides if other != name]:
                        self._leave(other)

    def _leave(self, name: str) -> None:
        self._sides.pop(name).wiring.leave(self._installation.wiring)
