"""What is taken for a question."""

import re
from typing import Final

from terakoya.errors import BadInput
from terakoya.text.normalise import printable

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff\ufdd0-\ufdef\ufffe\uffff]"
)
"""What no keyboard types and no reader sees; the joiners of emoji and of Indic scripts stay."""
_HEAPED: Final = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_BREAKS: Final = re.compile(r"\n(?:[ \t\u3000]*\n){2,}")


def guarded_input(question: str, *, limit: int) -> str:
    """The question as all that follows gets it.

    Control characters, characters that no reader sees and direction marks go, unpaired surrogates are replaced,
    accents heaped on one letter are cut to four, and more than one empty line in a row becomes one.

    Raises:
        BadInput: Nothing is left, or more than `limit` code points.
    """
    asked = _UNSEEN.sub("", printable(question.replace("\r\n", "\n").replace("\r", "\n")))
    asked = _BREAKS.sub("\n\n", _HEAPED.sub(r"\1", asked)).strip()
    if not asked:
        raise BadInput("question_empty")
    if len(asked) > limit:
        raise BadInput("question_long", length=len(asked), limit=limit)
    return asked
