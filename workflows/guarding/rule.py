"""What a rule is."""

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "override", "addressed", "role", "hidden", "exfiltration", "tool", "prompt", "form", "foreign"
]
"""What a suspicious piece of text does: overrides instructions, speaks to the assistant, plays a role of the chat,
hides from the reader, carries data out, orders a tool, asks for the prompt, orders the form of answers, orders or
asks something foreign to the text around it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern over folded text.

    Attributes:
        family: What text that it finds does.
        pattern: Its quantifiers are bounded, those of white space aside, of which folded text has little in a row; so
            it takes time in proportion to the length of the text.
        needs: It is only looked for where one of these stands: looking for words is much faster than for a pattern.
        spreads: What follows in the same paragraph is under suspicion too: the order itself often stands there.
        exam: It also finds ordinary advice on answers in examinations, so it does not count where a text speaks
            of one.
    """

    family: Family
    pattern: re.Pattern[str]
    needs: tuple[str, ...] = ()
    spreads: bool = False
    exam: bool = False


def rule(family: Family, needs: str, pattern: str, *, spreads: bool = False, exam: bool = False) -> Rule:
    r"""A rule from words between blanks, and a verbose pattern, in which a blank is written as `\s` or `[ ]`."""
    return Rule(family, re.compile(pattern, re.VERBOSE | re.MULTILINE), tuple(needs.split()), spreads, exam)
