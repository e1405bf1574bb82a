"""How a question ended, told in one way by tags, scores and metrics."""

from typing import Literal

from terakoya.types import Outcome
from workflows.routing import COURTESY
from workflows.tools.telling import MODEL as TOOLS

Ending = Literal["answered", "abstained", "courtesy", "declined", "interrupted"]
"""`abstained`: the notes were searched and do not say. `declined`: a tool was wanted, and refused or failed."""


def ending(outcome: Outcome) -> Ending:
    """How it ended."""
    if outcome.interrupted:
        return "interrupted"
    if outcome.model in COURTESY:
        return "courtesy"
    if outcome.answered:
        return "answered"
    return "declined" if outcome.model == TOOLS else "abstained"
