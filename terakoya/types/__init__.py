"""What is passed between the parts: frozen, typed, and small.

Positions: `start_line` and `end_line` count from 1 and include both ends. `start` and `end` are half-open
offsets in code points. Both count in the *source*: the decoded, repaired text of the note, whose line
numbers equal the file's; of a file that is no text (PDF, Word), the text taken out of it. What a person
reads is the *view*: the source without HTML tags, comments and base64 data (their line breaks stay).
`Passage.text` is a piece of the view.
"""

from typing import Literal

from terakoya.types.answering import (
    Citation,
    Draft,
    Effort,
    Fact,
    Outcome,
    SecondMessage,
    Turn,
)
from terakoya.types.notes import (
    Block,
    BlockKind,
    Language,
    Passage,
    Remark,
)
from terakoya.types.searching import (
    Arm,
    Explanation,
    Filter,
    Hit,
    Match,
    Ranking,
    Reason,
)
from terakoya.types.tools import (
    Approval,
    Decision,
    Entry,
    ToolCall,
    ToolResult,
    Verdict,
)

SpanKind = Literal[
    "agent", "chain", "retriever", "generation", "tool", "guardrail", "evaluator", "embedding", "span"
]

__all__ = [
    "Approval",
    "Arm",
    "Block",
    "BlockKind",
    "Citation",
    "Decision",
    "Draft",
    "Effort",
    "Entry",
    "Explanation",
    "Fact",
    "Filter",
    "Hit",
    "Language",
    "Match",
    "Outcome",
    "Passage",
    "Ranking",
    "Reason",
    "Remark",
    "SecondMessage",
    "SpanKind",
    "ToolCall",
    "ToolResult",
    "Turn",
    "Verdict",
]
