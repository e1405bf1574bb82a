"""Learns which unit answers: `python -m benchmarks.selection --learn SUITE... --report SUITE... [--write]`.

Every answerable case of the suites is searched for over its notes, and each unit of what is found is marked: whether
it holds what the case expects, from where it expects it, and is not much longer than the shortest one that does. What
a unit scores by itself and its traits (`workflows/ranking.py`) are then weighed by a conditional logit with a ridge: of
all units found, the share of `exp(score)` that the marked ones have is made as large as can be, a suite weighing no
more than `MOST` cases. How often the best unit is right is told of notes that the weights were not learned on.
`--write` puts the result with its date, data and evidence into `workflows/ranking.toml`.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.settings import Settings, load_settings
from app.tracing import NoTracer
from app.wiring import open_installation
from benchmarks.calibration import answers_case
from evals import Suite, load_suites
from terakoya.text.question import analyse_question
from terakoya.types import Turn
from workflows.composing import nearest
from workflows.ranking import Traits, read_traits
from workflows.scoring import read_candidates
from workflows.standalone import stand_alone

MOST: Final = 300
RIDGE: Final = 3.0
LONGER: Final = 4
"""How many times as long as the shortest right unit another may be that counts as right."""
SHORT: Final = 300
"""Code points up to which a unit is not too long, whatever the shortest one has."""
DOUBT: Final = 1.5
"""Difference of logits up to which a second unit is quoted: it is then right about a fifth as often as the first."""
FOLDS: Final = 6
PLACE: Final = Path("workflows/ranking.toml")
NAMES: Final = ("alone", *(field.name for field in fields(Traits)))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The units found for one case, at least one of them right.

    Attributes:
        suite: Name of the suite.
        group: Choices of one group stand on the same note.
        traits: A row a unit, in the order of `NAMES`.
        right: Whether each unit holds the answer.
        wanted: Those of them that are not much too long.
    """

    suite: str
    group: str
    traits: Floats
    right: NDArray[np.bool_]
    wanted: NDArray[np.bool_]


def choices_of(suite: Suite, settings: Settings) -> Iterator[Choice]:
    """The units found for every answerable case of `suite` that asks one thing."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "notes" / suite.folder.name
        suite.write_notes(folder)
        placed = settings.model_copy(update={"home": Path(place) / "home"})
        installation = open_installation(placed, write=True, tracer=NoTracer())
        try:
            installation.ingest([folder])
            wiring = installation.wiring
            for case in suite.cases:
                if not case.answerable or {"multi-part", "comparison"} & set(case.tags):
                    continue
                said: list[Turn] = []
                for question in (*case.earlier, case.question):
                    alone = stand_alone(question, said, wiring.analyser)
                    said.append(Turn(question=question, answer="", standalone=alone))
                asked = analyse_question(said[-1].standalone, wiring.analyser)
                hits = wiring.retriever.search(said[-1].standalone, k=settings.passages).hits
                candidates = read_candidates([hit.passage for hit in hits], wiring.analyser)
                if not asked.terms or not candidates:
                    continue
                known = read_traits(asked, candidates, wiring.analyser)
                right = np.array([answers_case(case, nearest([s.unit]), [s.unit]) for s, _ in known])
                if not right.any():
                    continue
                length = np.array([len(scored.unit.text) for scored, _ in known])
                short = length <= max(SHORT, LONGER * length[right].min())
                rows = [[scored.score, *asdict(traits).values()] for scored, traits in known]
                yield Choice(
                    suite=suite.name,
                    group=case.cluster,
                    traits=np.array(rows),
                    right=right,
                    wanted=right & short,
                )
        finally:
            installation.close()


def fit(choices: Sequence[Choice]) -> Floats:
    """The weights, in the order of `NAMES`.

    Conditional logit (McFadden, "Conditional logit analysis of qualitative choice behavior", 1974) with several right
    choices, by gradient descent with momentum on standardised traits.
    """
    spread = np.vstack([c.traits for c in choices]).std(axis=0)
    spread[spread == 0] = 1.0
    size = {suite: sum(c.suite == suite for c in choices) for suite in {c.suite for c in choices}}
    scaled = [(c.traits / spread, c.wanted, min(1.0, MOST / size[c.suite])) for c in choices]
    total = sum(worth for *_, worth in scaled)
    beta, pace = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for _ in range(400):
        slope = RIDGE * beta
        for rows, wanted, worth in scaled:
            likely = _softmax(rows @ beta)
            among = np.where(wanted, likely, 0.0)
            slope += worth * rows.T @ (likely - among / among.sum())
        pace = 0.9 * pace - 0.5 * slope / total
        beta = beta + pace
    weights: Floats = beta / spread
    return weights


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max())
    shares: Floats = raised / raised.sum()
    return shares


def unseen(choices: Sequence[Choice]) -> list[bool]:
    """Whether the best unit of each is right, by weights learned without its note."""
    groups = sorted({(c.suite, c.group) for c in choices})
    random.Random(3).shuffle(groups)
    fold_of = {group: number % FOLDS for number, group in enumerate(groups)}
    found = [False] * len(choices)
    for fold in range(FOLDS):
        weights = fit([c for c in choices if fold_of[c.suite, c.group] != fold])
        for at, choice in enumerate(choices):
            if fold_of[choice.suite, choice.group] == fold:
                found[at] = _best_is_right(choice, weights)
    return found


def _best_is_right(choice: Choice, weights: Floats) -> bool:
    return bool(choice.right[int(np.argmax(choice.traits @ weights))])


def _alone_is_right(choice: Choice) -> bool:
    return bool(choice.right[int(np.argmax(choice.traits[:, 0]))])


def main() -> None:
    """Learns, reports, and writes where it is asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--learn", nargs="+", type=Path, required=True, metavar="SUITE")
    parser.add_argument("--report", nargs="*", type=Path, default=[], metavar="SUITE")
    parser.add_argument("--write", action="store_true", help=f"write {PLACE}")
    args = parser.parse_args()
    settings = load_settings()
    learned_on = [list(choices_of(suite, settings)) for suite in load_suites(args.learn)]
    choices = [choice for each in learned_on for choice in each]
    known = unseen(choices)
    right = {id(choice): held for choice, held in zip(choices, known, strict=True)}
    lines = [
        _line(f"{each[0].suite}, notes unseen", each, lambda c: right[id(c)]) for each in learned_on if each
    ]
    weights = fit(choices)
    for suite in load_suites(args.report) if args.report else []:
        if reported := list(choices_of(suite, settings)):
            lines.append(
                _line(f"{suite.name}, reported only", reported, lambda c: _best_is_right(c, weights))
            )
    text = _written(weights, choices, lines)
    print(text)
    if args.write:
        PLACE.write_text(text, encoding="utf-8")


def _line(what: str, choices: Sequence[Choice], right: Callable[[Choice], bool]) -> str:
    best, alone = (np.mean([of(c) for c in choices]) for of in (right, _alone_is_right))
    return f"{what}: {len(choices)} cases, best unit right {best:.3f}, by its score alone {alone:.3f}"


def _written(weights: Floats, choices: Sequence[Choice], lines: Sequence[str]) -> str:
    """The weights in the range that the scores of units by themselves have, so that either can be read beside it."""
    tops = np.array([(c.traits @ weights).max() for c in choices])
    alone = np.array([c.traits[:, 0].max() for c in choices])
    slope, intercept = np.polyfit(tops, alone, 1)
    table = "\n".join(f"{name} = {slope * w:.4f}" for name, w in zip(NAMES, weights, strict=True))
    evidence = "\n".join(f"# {line}" for line in lines)
    return (
        "# How a unit's score comes about. Learned by `python -m benchmarks.selection`; not to be edited.\n"
        f'learned = "{datetime.now(UTC).date()}"\n{evidence}\n'
        f"doubt = {slope * DOUBT:.4f}\nintercept = {intercept:.4f}\n\n[weights]\n{table}\n"
    )


if __name__ == "__main__":
    main()
