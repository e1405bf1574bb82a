"""Links, images, wiki links and footnote marks inside a text: what of them a reader sees, and what they point to."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ingest.document import is_picture

Edit = tuple[int, int, str]
"""A half-open span, and what a reader sees in its place."""

# What ends a paragraph ends the search for the bracket that closes.
_BRACKETS: Final = re.compile(
    r"\\.|!?\[|\]|\n(?=[ \t]*(?:$|[-*+][ \t]|\d{1,9}[.)][ \t]|[#>|]))", re.MULTILINE
)
_WIKI: Final = re.compile(r"\[\[([^\[\]\n]+)\]\]")
_FOOTNOTE: Final = re.compile(r"\[\^[^\[\]\s]+\](?::[ \t]*)?")
_LABEL: Final = re.compile(r"\[([^\[\]\n]*)\]")
_GAP: Final = r"[ \t]*+(?:\n(?![ \t]*\n)[ \t]*+)?+"
_TITLE: Final = (
    r"\"(?:[^\"\\\n]|\\.|\n(?![ \t]*\n))*+\"|'(?:[^'\\\n]|\\.|\n(?![ \t]*\n))*+'|\((?:[^()\\\n]|\\.)*+\)"
)
_TARGET: Final = re.compile(
    rf"\({_GAP}(?:<(?P<angle>[^<>\n]*+)>|(?P<bare>(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*+\))*+))"
    rf"(?:{_GAP}(?:{_TITLE}))?+{_GAP}\)"
)
# Paths with spaces in them are no CommonMark, and yet written.
_LOOSE_TARGET: Final = re.compile(r"\(([^()\n]*+(?:\([^()\n]*+\)[^()\n]*+)*+)\)")
_PATH: Final = re.compile(r"[/\\#]|\.[A-Za-z0-9]{2,5}\Z")
# a title, or the width and height that several Japanese sites take
_BEHIND_PATH: Final = re.compile(r"\s+(?:\"[^\"]*\"|'[^']*'|=\d*x\d*)\s*\Z")
_LONGEST_PATH: Final = 1000
_LONGEST_LABEL: Final = 1000
_CUT_TARGET: Final = re.compile(r"\(<?[^\s()<>]*\Z")
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_SIZE: Final = re.compile(r"\s*\d+(?:x\d+)?\s*")
_DEFINITION: Final = re.compile(
    r"^(?:[ ]{0,3}>)*[ ]{0,3}\[(?!\^)(?P<label>(?:[^\[\]\n\\]|\\.)++)\]:[ \t]*+(?:<(?P<angle>[^<>\n]++)>|(?P<bare>\S++))"
    r"(?:[ \t]++(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?+[ \t]*$",
    re.MULTILINE,
)
# `[要点]: 過学習` is CommonMark's definition of a link to 過学習, and nobody means that.
_ADDRESS: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://|(?:mailto|tel|data):|\.{0,2}/|#|www\.|[^\s、。]*\.(?:md|markdown|html?|txt|pdf|ipynb|png|jpe?g"
    r"|gif|svg|webp|csv|zip|docx?|pptx?|xlsx?)(?:[?#]\S*)?\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image where it stands.

    Attributes:
        start: At its `!`.
        end: Behind its last bracket.
        address: As written, without title; empty where a reference leads nowhere.
        label: The alternative text as Markdown; of a very long one the beginning.
        by_name: Obsidian's `![[name]]`.
    """

    start: int
    end: int
    address: str
    label: str
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Inlines:
    """What was found in a text.

    Attributes:
        edits: Spans that a reader sees otherwise; unordered, some inside others.
        pictures: Images in the order of their ends.
        wholes: Spans of links and images, targets included; some inside others.
    """

    edits: list[Edit]
    pictures: list[Picture]
    wholes: list[tuple[int, int]]


def definitions(text: str, hidden: Callable[[int], bool]) -> Iterator[tuple[int, int, str, str]]:
    """The lines that define link targets (`[label]: address`), as (start, end, label, address).

    One line each, whose address looks like one or whose label stands elsewhere in the text too.

    Args:
        text: Markdown.
        hidden: Whether an offset lies in code.
    """
    if "]:" not in text:
        return
    used: Counter[str] | None = None
    for line in _DEFINITION.finditer(text):
        address, label = line["angle"] or line["bare"], folded(line["label"])
        if hidden(line.start()):
            continue
        if not line["angle"] and not _ADDRESS.match(address):
            used = used or Counter(folded(found) for found in _LABEL.findall(text))
            if used[label] < 2:
                continue
        yield line.start(), line.end(), label, _ESCAPE.sub(r"\1", address)


def folded(label: str) -> str:
    """The label of a reference as it is compared."""
    return " ".join(label.split()).casefold()


def inlines(text: str, hidden: Callable[[int], bool], targets: Mapping[str, str]) -> Inlines:
    """Goes through `text` once; takes time in proportion to its length.

    Args:
        text: Markdown.
        hidden: Whether an offset lies in code.
        targets: Addresses by folded label.
    """
    found = Inlines([], [], [])
    if "[" not in text:
        return found
    opened: list[tuple[int, int]] = []  # the start of a bracket, with its `!`, and the start of what is in it
    behind = 0
    for bracket in _BRACKETS.finditer(text):
        at, mark = bracket.start(), bracket.group()
        if at < behind or hidden(at):
            continue
        if mark[0] == "\n":
            opened.clear()
        elif mark[0] == "\\":
            continue
        elif mark != "]":
            inner = bracket.end() - 1
            if wiki := _WIKI.match(text, inner):
                behind = wiki.end()
                _add_wiki(found, at, behind, wiki[1], embedded=mark[0] == "!")
            elif footnote := _FOOTNOTE.match(text, inner):
                behind = footnote.end()
                if footnote.group().rstrip(" \t").endswith(":") and not _begins_line(text, inner):
                    behind = text.index("]", inner) + 1  # a colon of the text
                found.edits.append((inner, behind, ""))
            else:
                opened.append((at, bracket.end()))
        elif opened:
            start, inner = opened.pop()
            behind = _add_link(found, text, start, inner, at, targets)
    return found


def _begins_line(text: str, at: int) -> bool:
    before = text[max(0, at - 12) : at]
    return ("\n" in before or at <= 12) and not before.rpartition("\n")[2].strip(" \t>")


def _add_wiki(found: Inlines, start: int, end: int, content: str, *, embedded: bool) -> None:
    found.wholes.append((start, end))
    target, _, shown = content.replace("\\|", "|").partition("|")
    target, shown = target.strip(), shown.strip()
    if embedded and is_picture(target.partition("#")[0]):
        label = _sizeless(f"|{shown}").removeprefix("|")
        found.pictures.append(Picture(start, end, target.partition("#")[0], label, by_name=True))
        found.edits.append((start, end, label))
        return
    parts = [part.strip() for part in target.split("#") if part.strip() and not part.startswith("^")]
    found.edits.append((start, end, shown or " > ".join(parts) or ""))


def _add_link(
    found: Inlines, text: str, start: int, inner: int, close: int, targets: Mapping[str, str]
) -> int:
    """The link or image whose bracket closes at `close`, if it is one; gives the offset behind it."""
    behind = close + 1
    picture = text[start] == "!"
    label = text[inner : min(close, inner + _LONGEST_LABEL)]
    address: str | None = None
    if text.startswith("(", behind):
        if target := _TARGET.match(text, behind):
            address, behind = target["angle"] or target["bare"] or "", target.end()
        elif (target := _LOOSE_TARGET.match(text, behind)) and (path := _path(target[1])):
            address, behind = path, target.end()
        elif target := _CUT_TARGET.match(text, behind):
            address, behind = "", target.end()
    elif reference := _LABEL.match(text, behind):
        key = folded(reference[1] or label)
        # where the definition is not at hand, `a[0][1]` is an array and `[see][ref]` a link
        if (
            picture
            or key in targets
            or not (start and (text[start - 1].isalnum() or text[start - 1] in "])"))
        ):
            address = targets.get(key, "")
            behind = reference.end()
    elif picture:
        address = targets.get(folded(label))
    if address is None:
        return close + 1
    if picture:
        shown = _sizeless(label)
        close -= len(label) - len(shown)
        found.pictures.append(Picture(start, behind, _ESCAPE.sub(r"\1", address).strip(), shown))
    found.edits.extend([(start, inner, ""), (close, behind, "")])
    found.wholes.append((start, behind))
    return behind


def _path(written: str) -> str:
    """The path in brackets that hold one with spaces in it; empty where they hold words."""
    path = _BEHIND_PATH.sub("", written).strip() if len(written) <= _LONGEST_PATH else ""
    return path if _PATH.search(path) else ""


def _sizeless(label: str) -> str:
    """The alternative text of an image without the width (`|300`, `|300x200`) that Obsidian takes behind it."""
    before, bar, last = label.rpartition("|")
    return before if bar and _SIZE.fullmatch(last) else label
