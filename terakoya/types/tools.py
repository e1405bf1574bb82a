"""Tools, their calls, and what a person says to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from terakoya.types.answering import Citation
from terakoya.types.notes import Passage

Verdict = Literal["approve", "edit", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a learning log has of one day, as far as it stands in one passage.

    Attributes:
        day: ISO 8601; `YYYY-MM` where the log names a month only, `--MM-DD` where it names no year.
        passage: Where it stands.
        start: Offset of its first character in the passage's text.
        end: Behind its last.
    """

    day: str
    passage: Passage
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool, as it was chosen from a question.

    Attributes:
        id: The same for the same call of the same question of a thread, whatever process makes it.
        tool: Name of the tool.
        arguments: What it is called with; plain JSON.
    """

    id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave.

    Attributes:
        text: For people, in Markdown; with marks `[1]` where there are citations. The text of an outer tool is
            untrusted data.
        failed: The tool itself said that it failed.
        left_out: Characters that were cut off its end.
        citations: Places of the notes that it stands on.
    """

    text: str
    failed: bool = False
    left_out: int = 0
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person is asked before a tool changes something.

    Attributes:
        call: Tool and arguments.
        server: Name of the tool's server, empty for one that is built in.
        about: The tool's description of itself, untrusted.
        reason: `changes`: it may change something. `uncertain`: a run that ended in between may have called it
            already, and nobody knows.
        problem: Why the arguments as they were edited cannot be used, in words; empty at first.
    """

    call: ToolCall
    server: str
    about: str
    reason: Literal["changes", "uncertain"]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the person said to an `Approval`.

    Attributes:
        verdict: What to do.
        arguments: In place of those shown, for `edit`.
        asked: False where nobody could be asked, so that it is refused.
    """

    verdict: Verdict
    arguments: Mapping[str, Any] | None = None
    asked: bool = True
