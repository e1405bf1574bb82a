"""What is read of notes: their blocks and passages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["ja", "en"]
BlockKind = Literal[
    "heading", "paragraph", "item", "table", "row", "code", "formula", "quote", "image", "metadata"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something worth telling about a note that was read all the same.

    Attributes:
        key: Of the sentence in group `note` of the catalogues.
        values: What the sentence names.
    """

    key: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One unit of structure inside a passage, in offsets of the passage's text.

    Attributes:
        kind: What it is. An `item` covers its first paragraph only; deeper blocks follow it in order.
        start: Offset of its first character, list marker and indent included.
        end: Offset behind its last character.
        extent: Offset behind the last character of everything nested in it (`end` where nothing is).
        depth: Nesting depth: 0 for what stands at the top, 1 for an item of a top-level list.
        header: Cells of the table's header row, for a `row`.
        date: The day this stands under in a learning log, else that of its note: ISO 8601 or `--MM-DD`, of a month
            `YYYY-MM`; empty where there is none.
    """

    kind: BlockKind
    start: int
    end: int
    extent: int
    depth: int = 0
    header: tuple[str, ...] = ()
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk of a note as search returns it, with all that is needed to quote from it.

    Attributes:
        id: Stable for the same note path and the same content.
        source: Path for people: relative to the ingested folder, with `/`.
        heading: Headings above, outermost first.
        ancestors: List items above the first block, outermost first, as plain text.
        start_line: First line in the source, from 1.
        end_line: Last line in the source.
        start: First code point in the source.
        end: Behind the last code point in the source.
        text: The piece of the view, contiguous.
        blocks: Its structure, in reading order.
        cuts: What the view leaves out: (offset in `text`, number of source code points left out before it).
        pages: (offset in `text`, page, slide or chapter from 1 that begins there), for notes that have pages.
        language: Language of the text.
        doubtful: The text holds characters that a repair could restore only by likelihood.
    """

    id: str
    source: str
    heading: tuple[str, ...]
    ancestors: tuple[str, ...]
    start_line: int
    end_line: int
    start: int
    end: int
    text: str
    blocks: tuple[Block, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()
    pages: tuple[tuple[int, int], ...] = ()
    language: Language = "en"
    doubtful: bool = False

    def source_offset(self, offset: int) -> int:
        """Where the character at `offset` of `text` stands in the source, in code points."""
        return self.start + offset + sum(length for at, length in self.cuts if at <= offset)

    def page(self, offset: int = 0) -> int | None:
        """The page of the character at `offset` of `text`, None where the note has no pages."""
        return next((page for at, page in reversed(self.pages) if at <= offset), None)

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """First and last source line of `text[start:end]`, from 1."""
        first = self.start_line + self.text.count("\n", 0, start)
        return first, first + self.text.count("\n", start, max(start, end - 1))
