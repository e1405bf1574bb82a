"""`terakoya eval arena`: contestants that answer the questions of suites two by two, and who votes on them."""

import random
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from app.evaluating import history_path
from app.home import prepare_home
from app.settings import Settings
from app.suite_target import LocalOpening, Say
from app.targets import LOCAL, target_opener
from app.variants import variants
from evals import Suite
from evals.arena import Ballots, Duel, Reply, Vote, settled
from evals.case import Case
from evals.history import History
from terakoya.errors import BadInput, TargetLost, TerakoyaError
from terakoya.protocols import Target

CURRENT: Final = "as-it-is"
"""Name of the settings in use."""
PERSON: Final = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Somebody who answers.

    Attributes:
        name: What is set, or who is asked; votes are kept under it.
        open: Opens it for a suite.
    """

    name: str
    open: Callable[[Suite, Say], Target]


def contestants(
    settings: Settings, assignments: Sequence[str], targets: Sequence[str], *, timeout: float
) -> list[Contestant]:
    """Every combination of settings, then every target; beside one alone, the settings in use.

    Args:
        settings: Those in use.
        assignments: See `app.variants.variants`.
        targets: See `app.targets.target_opener`.
        timeout: Seconds that a command may take for a question.

    Raises:
        BadInput: A setting or value is not allowed, or there are not two.
    """
    found: dict[str, Contestant] = {}
    # all share the models that are loaded; no vote is for a model that did not answer
    opening = LocalOpening(strict=True)

    def local(name: str, chosen: Settings) -> None:
        found[name] = Contestant(name=name, open=lambda suite, say: opening(chosen, suite, say))

    for variant in variants(settings, assignments) if assignments else ():
        local(variant.label, variant.settings)
    for named in targets:
        if named == LOCAL:
            local(CURRENT, settings)
            continue
        opener = target_opener(named, timeout=timeout)
        found[named] = Contestant(name=named, open=lambda suite, say, o=opener: o(settings, suite, say))  # type: ignore[misc]
    if len(found) == 1 and CURRENT not in found:
        found = {
            **{CURRENT: Contestant(name=CURRENT, open=lambda s, say: opening(settings, s, say))},
            **found,
        }
    if len(found) < 2:
        raise BadInput("eval_arena_alone")
    return list(found.values())


class Contest:
    """The duels of some contestants over some suites.

    Attributes:
        same: How many questions got the same answer from both, and were not shown.
        failed: How many were not answered because a target failed, with the last sentence about it.

    Args:
        suites: Whose questions are asked.
        contestants: At least two.
        seed: What the order of questions, pairs and sides is drawn from.
        known: Questions with the names of those who met over them already.
        say: Receives messages.
    """

    def __init__(
        self,
        suites: Sequence[Suite],
        contestants: Sequence[Contestant],
        *,
        seed: str,
        known: Collection[tuple[str, frozenset[str]]],
        say: Say,
    ) -> None:
        self.same = 0
        self.failed: list[str] = []
        self._suites = suites
        self._contestants = contestants
        self._seed = seed
        self._known = known
        self._say = say

    def duels(self) -> Generator[Duel, None, None]:
        """One after the other, all pairs about as often; who is asked is open while they are taken.

        Raises:
            TargetLost: A contestant is gone.
        """
        drawn = random.Random(self._seed)  # noqa: S311 - nothing is secret here
        pairs = list(combinations(self._contestants, 2))
        drawn.shuffle(pairs)
        turn = 0
        for suite in self._suites:
            cases = [case for case in suite.cases if case.repeat == 1]
            drawn.shuffle(cases)
            with ExitStack() as stack:
                opened: dict[str, Target] = {}
                for contestant in self._contestants:
                    opened[contestant.name] = target = contestant.open(suite, self._say)
                    stack.callback(target.close)
                    if "ask" not in target.offers:
                        raise BadInput("eval_arena_retrieval", suite=suite.path)
                for case in cases:
                    first, second = pairs[turn % len(pairs)]
                    if (case.question, frozenset((first.name, second.name))) in self._known:
                        turn += 1
                        continue
                    duel = self._duel(case, (first.name, second.name), opened)
                    if duel is not None:
                        turn += 1
                        yield duel

    def _duel(self, case: Case, names: tuple[str, str], opened: dict[str, Target]) -> Duel | None:
        try:
            one, other = (Reply.of(opened[name].ask(case.question, earlier=case.earlier)) for name in names)
        except TargetLost:
            raise
        except TerakoyaError as error:
            self.failed.append(error.message())
            return None
        if one.same(other):
            self.same += 1
            return None
        question = "\n".join((*case.earlier, case.question))
        swapped = settled(question, names, self._seed)
        return Duel(question=question, names=names, replies=(one, other), swapped=swapped)


def known_duels(settings: Settings, voter: str) -> set[tuple[str, frozenset[str]]]:
    """What `voter` has voted on already: last questions with the names of the two."""
    path = history_path(settings)
    if not path.exists():
        return set()
    with History(path) as history:
        votes = Ballots(history).votes()
    return {(v.question.rpartition("\n")[2], frozenset(v.names)) for v in votes if v.voter == voter}


def cast(settings: Settings, vote: Vote) -> None:
    """Keeps a vote."""
    path: Path = history_path(settings)
    for folder in (settings.home, path.parent):
        prepare_home(folder)
    with History(path, write=True) as history:
        Ballots(history).add(vote)
