"""A model as a judge: its verdicts, how far they agree with one another, and how many could not be read.

Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", for what such verdicts are worth:
they are asked for several times, and never let a suite fail unless it says that they may.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any, Final, Protocol

from evals.metrics.context import context
from evals.metrics.observation import Observation
from evals.metrics.registry import CaseMeasure, Direction, Metric, add_metric
from evals.metrics.tokens import plain
from terakoya.errors import BadInput

UNREADABLE: Final = "judge_unreadable"
"""The metric that tells how far a judge gives verdicts at all."""
OF_A_JUDGE: Final = frozenset({"judge_correct", "judge_faithful", "judge_agreement", UNREADABLE})
"""The metrics of a judge, which are there where there is one."""
REPEATS: Final = 3
LONGEST_REASON: Final = 200
VERDICT: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": LONGEST_REASON},
        "verdict": {"type": "string", "enum": ["yes", "no"]},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
"""JSON Schema of a reply. The reason comes first, so that the verdict follows from it."""
_DELIMITER: Final = re.compile(r"<(/?(?:question|right|answer|sources|first|second)>)", re.IGNORECASE)


class Judge(Protocol):
    """A model that gives verdicts."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever its replies may change."""
        ...

    def reply(self, prompt: str, *, schema: Mapping[str, Any], seed: int) -> str:
        """What it says to `prompt`: JSON after `schema`, where it can be held to that.

        Raises:
            BadInput: The prompt is too long for it.
            Unavailable: It cannot be asked now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """Several verdicts on one thing.

    Attributes:
        verdicts: Those that could be read, in the order in which they were asked for.
        unreadable: How many could not.
    """

    verdicts: tuple[bool, ...]
    unreadable: int

    @property
    def share(self) -> float | None:
        """Share of the verdicts that say yes; None without any."""
        return sum(self.verdicts) / len(self.verdicts) if self.verdicts else None

    @property
    def agreement(self) -> float | None:
        """Share of the pairs of verdicts that are the same; None with fewer than two."""
        pairs = list(combinations(self.verdicts, 2))
        return sum(a == b for a, b in pairs) / len(pairs) if pairs else None


class Court:
    """Asks a judge several times for each verdict, and remembers what it said in this run.

    Args:
        judge: Who is asked.
        repeats: How often, with a seed of its own each time.
    """

    def __init__(self, judge: Judge, *, repeats: int = REPEATS) -> None:
        self._judge = judge
        self._repeats = repeats
        self._opinions = cache(self._ask)

    def register(self) -> None:
        """Adds the judge's metrics to the registry.

        Raises:
            BadInput: They are there already.
        """
        version = f"{self._judge.fingerprint} {self._repeats}"

        def add(name: str, direction: Direction, description: str, function: CaseMeasure) -> None:
            add_metric(
                Metric(
                    name=name,
                    direction=direction,
                    description=description,
                    level="case",
                    of_case=function,
                    judged=True,
                    version=version,
                )
            )

        add("judge_correct", "higher", "Share of a judge's verdicts that an answer is right.", self.correct)
        add(
            "judge_faithful",
            "higher",
            "Share of a judge's verdicts that an answer keeps to its sources.",
            self.faithful,
        )
        add("judge_agreement", "higher", "How often a judge agrees with itself.", self.agreement)
        add(UNREADABLE, "lower", "Share of a judge's replies that are no verdict.", self.unreadable)

    def correct(self, o: Observation) -> float | None:
        """Share of yes among the verdicts on whether the answer says what the case expects; answered cases."""
        opinions = self._on_correct(o)
        return opinions.share if opinions else None

    def faithful(self, o: Observation) -> float | None:
        """Share of yes among the verdicts on whether the answer follows from hits and quotes; answered cases."""
        opinions = self._on_faithful(o)
        return opinions.share if opinions else None

    def agreement(self, o: Observation) -> float | None:
        """Mean share of the pairs of verdicts on the same thing that are the same."""
        values = [a for opinions in self._all(o) if (a := opinions.agreement) is not None]
        return sum(values) / len(values) if values else None

    def unreadable(self, o: Observation) -> float | None:
        """Replies that are no JSON after the schema, or that the judge could not give / replies."""
        opinions = self._all(o)
        asked = len(opinions) * self._repeats
        return sum(each.unreadable for each in opinions) / asked if asked else None

    def _all(self, o: Observation) -> list[Opinions]:
        return [opinions for opinions in (self._on_correct(o), self._on_faithful(o)) if opinions]

    def _on_correct(self, o: Observation) -> Opinions | None:
        right = _right(o)
        if not (o.answered and right):
            return None
        return self._opinions(
            judge_prompt("judge_correct", question=o.case.question, right=right, answer=plain(o.answer))
        )

    def _on_faithful(self, o: Observation) -> Opinions | None:
        sources = [*(c.quote for c in o.citations), *(context(hit) for hit in o.hits)]
        if not (o.answered and any(source.strip() for source in sources)):
            return None
        return self._opinions(
            judge_prompt("judge_faithful", sources="\n\n".join(sources), answer=plain(o.answer))
        )

    def _ask(self, prompt: str) -> Opinions:
        replies = [self._verdict(prompt, seed) for seed in range(1, self._repeats + 1)]
        verdicts = tuple(verdict for verdict in replies if verdict is not None)
        return Opinions(verdicts=verdicts, unreadable=len(replies) - len(verdicts))

    def _verdict(self, prompt: str, seed: int) -> bool | None:
        try:
            said = self._judge.reply(prompt, schema=VERDICT, seed=seed)
        except BadInput:
            return None
        return read_verdict(said)


def read_verdict(said: str) -> bool | None:
    """The verdict of a reply; None where it is no JSON after `VERDICT`."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        return None
    verdict = value.get("verdict") if isinstance(value, dict) else None
    return {"yes": True, "no": False}.get(verdict) if isinstance(verdict, str) else None


def _right(o: Observation) -> str:
    lines: Sequence[str] = [" / ".join(fact.any_of) for fact in o.case.key_facts if fact.vital]
    lines = [*lines, *o.case.expected]
    if o.case.answers:
        lines.append(" / ".join(o.case.answers))
    return "\n".join(f"- {line}" for line in lines)


def judge_prompt(name: str, **values: str) -> str:
    """A prompt of `evals/prompts` with these texts in it."""
    # What is judged cannot end its own part of the prompt.
    inert = {key: _DELIMITER.sub(r"‹\1", value) for key, value in values.items()}
    return files("evals.prompts").joinpath(f"{name}.md").read_text(encoding="utf-8").format(**inert)
