"""How much work a question may cause, by effort."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from terakoya.types import Effort
from workflows.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one question. What was used of them stands in the state, as `spent`.

    Attributes:
        rounds: Rounds of retrieval; from 2 on a question that the passages hardly speak of is put in other words.
        parts: Sub-questions that are retrieved for by themselves.
        answers: Answers of a model; another one is made where the first does not stand in the notes.
        calls: Calls of a model for anything.
        tokens: Tokens of all calls; no further call is made beyond.
        passages: Passages for each sub-question, as a share of those of the settings.
    """

    rounds: int
    parts: int
    answers: int
    calls: int
    tokens: int
    passages: float = 1.0

    def allows_call(self, spent: Mapping[str, int]) -> bool:
        """Whether a model may be called once more."""
        return spent.get("calls", 0) < self.calls and spent.get("tokens", 0) < self.tokens


BUDGETS: Final[Mapping[Effort, Budget]] = {
    "fast": Budget(rounds=1, parts=1, answers=1, calls=1, tokens=8_000),
    "normal": Budget(rounds=2, parts=4, answers=2, calls=4, tokens=32_000),
    "deep": Budget(rounds=3, parts=6, answers=2, calls=12, tokens=128_000, passages=1.5),
}


def budget_of(state: State) -> Budget:
    """What the question of `state` may cause."""
    return BUDGETS[state.get("effort", "normal")]
