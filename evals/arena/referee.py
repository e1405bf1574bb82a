"""A model as a voter: it sees both answers in both orders, as its verdict may follow the place.

Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", section 3.4: a verdict that turns
with the order is none, and counts as a tie.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from evals.arena.duel import VERDICTS, Duel, Reply, Verdict
from evals.judging import LONGEST_REASON, Judge, judge_prompt
from evals.metrics.tokens import plain
from terakoya.errors import BadInput

COMPARED: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": LONGEST_REASON},
        "verdict": {"type": "string", "enum": list(VERDICTS)},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
"""JSON Schema of a reply."""


class Referee:
    """Lets a judge compare two answers.

    Args:
        judge: Who is asked.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def verdict(self, duel: Duel) -> Verdict | None:
        """What it says of left and right; a tie where it changes its mind with the order.

        None where neither of its replies can be read.
        """
        left, right = duel.shown
        straight = self._ask(duel.question, left, right, seed=1)
        turned = self._ask(duel.question, right, left, seed=2)
        back: dict[Verdict, Verdict] = {"a": "b", "b": "a"}
        other = back.get(turned, turned) if turned else None
        if straight is None or other is None:
            return straight or other
        return straight if straight == other else "tie"

    def _ask(self, question: str, first: Reply, second: Reply, *, seed: int) -> Verdict | None:
        prompt = judge_prompt("judge_better", question=question, first=_shown(first), second=_shown(second))
        try:
            return read_comparison(self._judge.reply(prompt, schema=COMPARED, seed=seed))
        except BadInput:  # too long for it
            return None


def read_comparison(said: str) -> Verdict | None:
    """The verdict of a reply; None where it is no JSON after `COMPARED`."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        return None
    verdict = value.get("verdict") if isinstance(value, dict) else None
    return next((known for known in VERDICTS if known == verdict), None)


def _shown(reply: Reply) -> str:
    quotes = "\n".join(f"> {citation.quote}" for citation in reply.citations if citation.quote)
    return f"{plain(reply.answer)}\n{quotes}".rstrip()
