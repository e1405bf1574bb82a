"""Answer units: the smallest pieces of a passage that a person would quote as an answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from terakoya.text.sentences import sentence_spans
from terakoya.types import Block, Passage

UnitKind = Literal["sentence", "item", "row", "table", "code", "formula", "quote", "section"]

LONGEST: Final = 900
"""Code points of the longest unit that is offered whole; longer ones are offered by their parts."""
_LEAD_IN: Final = re.compile(r"(?:[:：]\**|(?:以下|次|下記)の?(?:とおり|通り|よう)?[^。\n]{0,20})\s*$")
_LEAD: Final = 160
"""Code points of what is kept of a paragraph that leads in to a list."""
_LABEL: Final = 60
"""Code points of the longest single line that, right above a list, names what the list is about."""
_TOPIC: Final = 60
"""Code points of the longest sentence that tells what the entry of a day is about."""
_DAY: Final = re.compile(r"[\W\d_年月日時週火水木金土曜()（）]+|day\s*\d+", re.IGNORECASE)
"""A heading that is a day and nothing else."""
_POINTER: Final = re.compile(r"(?:\[\[[^\[\]\n]*\]\]|[\w ]{1,20}(?:::?|：)|(?!\[\[)[\W_])*+")
"""Nothing but links to other notes, and what they are for."""
_TASK: Final = re.compile(r"\s*[-*+]\s+\[[ xX]\]\s")
_ASKING_CELL: Final = re.compile(
    r"[\s|]*(?:\\.|[^\\|]){1,200}[?？][\s*_`\"'”’」』]*(?:[(（][^()（）|]{0,80}[)）]\s*)?\|"
)
"""The first cell of a row that asks something."""
_CELLS: Final = re.compile(r"(?<!\\)\|")
_INLINE_MARKS: Final = re.compile(r"\*\*|__|~~|==|`+|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])")
_LINK: Final = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_DESCRIBED: Final = re.compile(r"!\[[^\[\]]+\]")
_MARKS: Final = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+|[・●•▪◦]\s*|\d{1,9}[.)]\s+|\[[ xX]\]\s+|\|)+")

_LETTER: Final = re.compile(r"[^\W\u3041-\u30ff\u3400-\u9fff]")
"""Of a script that puts spaces between words."""
_WORD_END: Final = re.compile(rf"(?:(?={_LETTER.pattern})\w){{1,40}}$")
_WORD_BEGIN: Final = re.compile(rf"(?:(?={_LETTER.pattern})\w){{1,40}}")


@dataclass(frozen=True, slots=True)
class Unit:
    """One candidate, in offsets of its passage's text.

    Attributes:
        passage: Where it stands.
        kind: What it is.
        start: First character.
        end: Behind its last character, nested items included.
        own_end: Behind its own first line or sentence.
        ancestors: Plain text of what stands above it: list items, the sentence that leads in.
        header: Header cells, for a table row.
        headings: Headings above, outermost first.
        position: Number of the unit among those directly below the same heading or item, from 0.
        children: Number of items directly below it.
    """

    passage: Passage
    kind: UnitKind
    start: int
    end: int
    own_end: int
    ancestors: tuple[str, ...]
    header: tuple[str, ...]
    headings: tuple[str, ...]
    position: int
    children: int = 0

    @property
    def is_task(self) -> bool:
        """It is something to do, not something known."""
        lines = [line for line in self.text.split("\n") if line.strip()]
        return 2 * sum(bool(_TASK.match(line)) for line in lines) > len(lines)

    @property
    def is_question(self) -> bool:
        """It asks, as a reader of a book asks in the margin; of a table most rows begin with a question."""
        if self.kind not in ("row", "table"):
            return self.text.strip().endswith(("?", "？"))
        rows = [line for line in self.text.split("\n") if line.strip()][2 * (self.kind == "table") :]
        return 2 * sum(bool(_ASKING_CELL.match(row)) for row in rows) > len(rows)

    @property
    def is_pointer(self) -> bool:
        """It leads to other notes and says nothing itself."""
        text = self.text.strip()
        return "[[" in text and bool(_POINTER.fullmatch(text[:400]))

    def worth(self, *, tasks: bool = False) -> float:
        """What evidence in it is worth as an answer: something to do or to find out is hardly known, a link tells nothing.

        Args:
            tasks: What is to be done is what is asked for.
        """
        told = 0.5 if (self.is_task and not tasks) or self.is_pointer else 1.0
        return told * (0.8 if self.is_question else 1.0)

    @property
    def text(self) -> str:
        """The whole unit, as it is quoted."""
        return self.passage.text[self.start : self.end]

    @property
    def own(self) -> str:
        """Its own first part, without what is nested in it."""
        return self.passage.text[self.start : self.own_end]

    @property
    def cells(self) -> list[str]:
        """Of a row, what stands in each column."""
        return [cell.strip() for cell in _CELLS.split(self.text.strip().strip("|"))]

    def contains(self, other: "Unit") -> bool:
        """Whether `other` is a part of it, and not the whole."""
        inside = self.start <= other.start and other.end <= self.end
        return self.passage.id == other.passage.id and inside and other.text != self.text

    def overlaps(self, other: "Unit") -> bool:
        """Whether both quote some of the same text."""
        return self.passage.id == other.passage.id and self.start < other.end and other.start < self.end


def plain_line(text: str) -> str:
    """One line for people, without Markdown marks: a heading, an ancestor."""
    short = text[:400]  # a link's pattern may not meet a line of 100,000 brackets
    return _INLINE_MARKS.sub("", _LINK.sub(r"\1", _MARKS.sub("", short))).strip()


def shortened(text: str, length: int) -> str:
    """`text`, or its beginning as far as a word ends within `length` code points, with an ellipsis."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    broken = _WORD_END.search(kept) if _LETTER.match(text[length - 1]) else None
    return f"{kept[: broken.start()] if broken and broken.start() else kept}".rstrip() + "…"


def _end_of(text: str) -> str:
    """The last sentences of a paragraph, as many as are whole in what is kept; of one too long, its last words."""
    if len(text) <= _LEAD:
        return text
    start = next((a for a, _ in sentence_spans(text) if len(text) - a <= _LEAD), None)
    if start is not None:
        return text[start:]
    end = text[-_LEAD:]
    broken = _WORD_BEGIN.match(end) if _LETTER.match(text[-_LEAD - 1]) else None
    return "…" + (end[broken.end() :] if broken else end).lstrip()


def units_of(passage: Passage) -> list[Unit]:
    """All candidates of a passage, in reading order; larger ones before those that they contain."""
    if not passage.blocks:
        return list(_sentences(passage, 0, len(passage.text), (), passage.heading, 0))
    return list(_Walk(passage).units())


class _Walk:
    """Goes through the blocks of a passage once, keeping the headings and items above."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self.text = passage.text
        self.blocks = passage.blocks
        inside = [plain_line(self._of(b)) for b in self.blocks if b.kind == "heading"]
        # headings inside the passage are part of its path; what is above them stays
        self.headings = (
            passage.heading[: max(0, len(passage.heading) - len(inside))] if inside else passage.heading
        )
        self.above: list[tuple[int, str]] = []  # (extent, text) of the items that are open
        self.position = 0
        self.lead = ""
        self.topic = ""
        self.opening = True  # nothing but headings so far

    def _of(self, block: Block) -> str:
        return self.text[block.start : block.end]

    def units(self) -> Iterator[Unit]:
        for index, block in enumerate(self.blocks):
            while self.above and block.start >= self.above[-1][0]:
                self.above.pop()
            match block.kind:
                case "heading":
                    yield from self._section(index)
                    self.headings = (*self.headings, plain_line(self._of(block)))
                    self.position, self.lead, self.topic, self.opening = 0, "", "", True
                case "item":
                    yield from self._item(index)
                    self.above.append((block.extent, plain_line(self._of(block).split("\n")[0])))
                case "paragraph" | "quote":
                    yield from self._paragraph(index)
                case "image" if _DESCRIBED.search(self._of(block)):
                    yield from self._paragraph(index)
                case "table":
                    yield self._unit("table", block.start, block.extent, block.start)
                    self.position += 1
                case "row":
                    yield self._unit("row", block.start, block.end, block.end, header=block.header)
                case "code" | "formula":
                    yield self._unit(block.kind, block.start, block.end, block.end)
                    self.position += 1
                case "metadata" | "image":
                    continue
            self.opening = self.opening and block.kind == "heading"

    @property
    def _outside(self) -> tuple[str, ...]:
        """What stands above all of the passage, and what the entry of a day begins with."""
        return (*self.passage.ancestors, self.topic) if self.topic else self.passage.ancestors

    def _unit(
        self,
        kind: UnitKind,
        start: int,
        end: int,
        own_end: int,
        *,
        header: tuple[str, ...] = (),
        children: int = 0,
    ) -> Unit:
        lead = (self.lead,) if self.lead and not self.above else ()
        return Unit(
            passage=self.passage,
            kind=kind,
            start=start,
            end=end,
            own_end=own_end,
            ancestors=(*self._outside, *lead, *(text for _, text in self.above)),
            header=header,
            headings=self.headings,
            position=self.position,
            children=children,
        )

    def _item(self, index: int) -> Iterator[Unit]:
        block = self.blocks[index]
        if block.depth == 1 or _LEAD_IN.search(self._of(block)):
            yield from self._label(index)
        children = sum(
            b.kind == "item" and b.depth == block.depth + 1 and block.start < b.start < block.extent
            for b in self.blocks[index + 1 :]
        )
        if block.extent - block.start <= LONGEST or children:
            yield self._unit("item", block.start, block.extent, block.end, children=children)
        if block.extent == block.end:
            spans = sentence_spans(self._of(block))
            if len(spans) > 1:  # a long bullet of several sentences: each may be the answer
                for start, end in spans:
                    first = block.start if start == spans[0][0] else block.start + start
                    yield self._unit("sentence", first, block.start + end, block.start + end)
        if block.depth == 1:
            self.position += 1

    def _label(self, index: int) -> Iterator[Unit]:
        """An item that names what follows it: a formula or code; one of the top level, a list of another kind."""
        block = self.blocks[index]
        following = self._run_behind(index)
        if not following or block.extent != block.end:
            return
        other_list = (
            block.depth == 1
            and following[0].kind == "item"
            and self._numbered(block)
            and not self._numbered(following[0])
        )
        apart = self._numbered(block) and self.text[block.end : following[0].start].count("\n") > 1
        if other_list or (following[0].kind in ("code", "formula") and not apart):
            yield from self._led(block, following)
            self.lead = plain_line(self._of(block)) if other_list else self.lead

    def _led(self, block: Block, following: Sequence[Block]) -> Iterator[Unit]:
        end = following[-1].extent
        if end - block.start <= LONGEST:
            items = sum(b.kind == "item" for b in following)
            yield self._unit("section", block.start, end, block.end, children=items)

    def _paragraph(self, index: int) -> Iterator[Unit]:
        block = self.blocks[index]
        following = self._run_behind(index)
        text = self._of(block)
        label = bool(following) and self._is_label(block, following[0])
        self.lead = ""
        if following and (label or _LEAD_IN.search(text) or following[0].kind in ("code", "formula")):
            yield from self._led(block, following)
        if not text.strip("-*_ \n"):
            return
        yield from _sentences(
            self.passage,
            block.start,
            block.end,
            (*self._outside, *(t for _, t in self.above)),
            self.headings,
            self.position,
        )
        self.position += 1
        if self.opening and not self.above and self.headings and _DAY.fullmatch(self.headings[-1]):
            start, end = sentence_spans(text)[0]
            self.topic = plain_line(text[start:end]) if end - start <= _TOPIC else ""
        self.lead = plain_line(_end_of(text.strip())) if label or _LEAD_IN.search(text) else ""

    def _is_label(self, block: Block, following: Block) -> bool:
        """One short line right above a list, without a blank line or a full stop between."""
        text = self._of(block)
        between = self.text[block.end : following.start]
        return (
            following.kind == "item"
            and "\n" not in text.strip()
            and len(text) <= _LABEL
            and between.count("\n") <= 1
            and text.rstrip()[-1:] not in "。.!！"
        )

    def _section(self, index: int) -> Iterator[Unit]:
        """The body under a heading as one unit, where it is short."""
        body = []
        for block in self.blocks[index + 1 :]:
            if block.kind == "heading":
                break
            if block.kind != "metadata":
                body.append(block)
        if body:
            start, end = body[0].start, max(b.extent for b in body)
            if end - start <= LONGEST:
                top = min(b.depth for b in body)
                items = sum(b.kind == "item" and b.depth == max(top, 1) for b in body)
                heading = plain_line(self._of(self.blocks[index]))
                self.headings, before = (*self.headings, heading), self.headings
                yield self._unit("section", start, end, start, children=items)
                self.headings = before

    def _run_behind(self, index: int) -> list[Block]:
        """The list, code or table right behind a paragraph, at the same depth."""
        run: list[Block] = []
        base = self.blocks[index]
        for block in self.blocks[index + 1 :]:
            inside = bool(run) and block.start < run[-1].extent
            if inside or block.start < base.extent:
                continue
            if block.depth > base.depth + (base.kind != "item") or block.kind not in (
                "item",
                "code",
                "formula",
                "table",
            ):
                break
            if run and block.kind != run[-1].kind:
                break
            if base.kind == "item" and run and self._numbered(block) != self._numbered(run[-1]):
                break
            run.append(block)
            if block.kind != "item":
                break
        return run

    def _numbered(self, block: Block) -> bool:
        return self._of(block).lstrip()[:1].isdigit()


def _sentences(
    passage: Passage,
    start: int,
    end: int,
    ancestors: Sequence[str],
    headings: Sequence[str],
    position: int,
) -> Iterator[Unit]:
    for number, (begin, stop) in enumerate(sentence_spans(passage.text[start:end])):
        yield Unit(
            passage=passage,
            kind="sentence",
            start=start + begin,
            end=start + stop,
            own_end=start + stop,
            ancestors=tuple(ancestors),
            header=(),
            headings=tuple(headings),
            position=position + number,
        )
