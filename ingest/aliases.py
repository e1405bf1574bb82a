"""Which terms a note makes stand for each other: other names of one thing, in both languages.

A false alias spoils every question that holds its term, and a missed one only leaves search as it was, so
each form that notes use has its rule, the stricter the more often the form means something else
(`ingest/naming.py` says what bears names out):

| form | taken where | because |
| --- | --- | --- |
| front matter `aliases:` | always, with the title | the reader wrote it for that |
| table with columns such as 用語, 英語, 略語 | another writing, or borne out | the header says what the columns are |
| heading `日本語 | English | 略語` | borne out, or translated; in a note with three such headings any \
Japanese beside any Latin | a glossary is written so; `Input | Output` has neither other writing nor initials |
| heading with `／` or ` / ` | borne out | it mostly means "or" |
| heading or item `用語（English, 略語）` | borne out, or translated by a phrase of several words or in lower \
case | a capital alone may be a product as an example: 検索（Google） |
| item `ABC: Full Name`, `ABC = ...`, `ABC - ...` | initials, capitals where more words follow | \
`Example: ...`, `10:30` and properties have no initials |
| `term (ABC)`, `ABC（用語）`, `推論(inference)という` in a sentence | borne out, or named by という | brackets \
hold anything else far more often |
| `ABCとは ... の略`, `ABC stands for ...` | initials | |

Code, formulas, metadata and to-do items are not looked at. Names of sections (例, Summary) are no terms.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final

from ingest.document import Document, Node
from ingest.initials import is_abbreviation, leading
from ingest.naming import Name, Names
from ingest.plain import cells, plain
from terakoya.text.analyser import Analyser, spine

Group = tuple[str, ...]
"""Terms that stand for each other, as the note writes them."""

_PIPE: Final = re.compile(r"\s*[|｜]\s*")
_SLASH: Final = re.compile(r"\s*／\s*|\s+/\s+")
_COMMA: Final = re.compile(r"\s*[,、，;；|｜／]\s*|\s+/\s+|:\s+|：")
_LEAD: Final = re.compile(
    r"\A\s*(?:以下|略して|略称は?|略語は?|略|通称|別名|英語で?は?|英訳|英|または|又は|=|＝|(?:aka|a\.k\.a\.|abbr\.?|or|also)(?=[\s:]))"
    r"[\s:：、,]*",
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(r"(?P<before>[^（(\n]{2,60}?)\s*[（(](?P<inside>[^（()）\n]{2,80})[)）]\Z")
_BRACKETS: Final = re.compile(r"[（(](?P<inside>[^（()）\n]{2,80})[)）]")
_DEFINED: Final = re.compile(
    r"(?:[=-]*[>＞]|[⇒→])?\s*(?P<short>[A-Za-z\d][A-Za-z\d&/.+_-]{1,9})(?:\s*[:：＝=]\s*|\s+[-–—]\s+)(?P<rest>[A-Za-z][^\n]*)"
)
_STANDS_FOR: Final = re.compile(
    r"(?P<short>[A-Za-z\d][A-Za-z\d&/.+_-]{1,9})\s*"
    r"(?:(?:とは|は|って)[、,\s]*[「『\"“]?(?=[^\n。]{4,120}の略)"
    r"|\b(?:stands|is short|is an abbreviation)\s+for\s+(?:the\s+)?)"
    r"(?P<rest>[A-Za-z][^\n]*)"
)
_HEAD: Final = re.compile(r"[^\n]*?(?=\s*[:：](?:\s|\Z)|：|\n|\Z)")
_PHRASE: Final = re.compile(r"[A-Za-zÀ-ɏ\d][A-Za-zÀ-ɏ\d'’&/-]*(?:[ \t]+[A-Za-zÀ-ɏ\d&][A-Za-zÀ-ɏ\d'’&/-]*)*")
_PHRASE_BEFORE: Final = re.compile(r"(?<![^\W\d_\u3005-\u30ff\u3400-\u9fff])" + _PHRASE.pattern + r"\Z")
_NAMED: Final = re.compile(r"\s*」?(?:という|と呼|といい|といわ|とは)")
_TASK: Final = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]\](?:\s|\Z)")
_UNREAD: Final = re.compile(r"`|\$|https?://|::")
_NAMING_COLUMN: Final = re.compile(
    r"用語|日本語名?|和名|和訳|訳語?|日本語訳|英語名?|英名|英訳|原語|略語|略称|別名|正式名称|フルネーム"
    r"|term|japanese|english|abbr(?:eviation|\.)?|acronym|full (?:name|form)|also known as|aka|synonyms?",
    re.IGNORECASE,
)
_CONVENTION: Final = 3
"""Headings of one form that make it the note's way of naming."""
_LONGEST_BLOCK: Final = 4000
"""Characters of one block that are looked at; a longer one is data."""
_MOST: Final = 500
"""Groups of one note."""
_LONGEST_BEFORE: Final = 100
"""Characters before a bracket in which a name may stand."""
_LONGEST_NAME: Final = 60
"""Characters of a name of a note."""
_MOST_TERMS: Final = 8
"""Terms of one group."""


def aliases_of(document: Document, analyser: Analyser) -> tuple[Group, ...]:
    """Groups of terms that `document` makes stand for each other, each once, in reading order.

    The same term may be in several; a group that is part of another is left out.
    """
    found: dict[Group, None] = {}
    for group in _Finder(document, Names(analyser), analyser).groups():
        if len(group) > 1:
            found.setdefault(group[:_MOST_TERMS])
        if len(found) == _MOST:
            break
    sets = [frozenset(group) for group in found]
    return tuple(group for group in found if not any(other > frozenset(group) for other in sets))


class _Finder:
    def __init__(self, document: Document, names: Names, analyser: Analyser) -> None:
        self.document = document
        self.names = names
        self.analyser = analyser
        headings = [_one_line(plain(self._text(n))) for n in _flat(document.nodes) if n.kind == "heading"]
        self.piped = self._usual([_PIPE.split(h) for h in headings if _PIPE.search(h)])
        self.bracketed = self._usual([_split_brackets(h) for h in headings])

    def groups(self) -> Iterator[Group]:
        yield self._front_matter()
        for node in _flat(self.document.nodes):
            text = self._text(node)
            if node.kind in ("code", "formula", "metadata", "image", "table") or len(text) > _LONGEST_BLOCK:
                continue
            if node.kind == "item" and _TASK.match(text):
                continue
            if node.kind == "row":
                yield self._row(node.header, cells(text))
                continue
            shown = plain(text)
            if node.kind == "heading":
                yield from self._heading(_one_line(shown))
            elif node.kind == "item":
                yield from self._item(text, shown)
            if not _UNREAD.search(text):
                yield from self._sentences(shown)

    def _text(self, node: Node) -> str:
        return self.document.text[node.start : node.end]

    def _usual(self, headings: Sequence[Sequence[str]]) -> bool:
        """Whether so many headings set Japanese beside Latin that it is the note's way of naming."""
        return (
            sum(
                any(name.japanese for name in found) and any(not name.japanese for name in found)
                for found in (self._named(parts) for parts in headings)
            )
            >= _CONVENTION
        )

    def _named(self, parts: Iterable[str]) -> list[Name]:
        """The parts as names; none of them where one is something else."""
        found = [self.names.name(part) for part in parts if part.strip()]
        return [name for name in found if name] if all(found) else []

    def _front_matter(self) -> Group:
        if not self.document.aliases:
            return ()
        names = (
            " ".join(part.split()) for part in (*_PIPE.split(self.document.title), *self.document.aliases)
        )
        return tuple(dict.fromkeys(name for name in names if 2 <= len(name) <= _LONGEST_NAME))

    def _row(self, header: Sequence[str], row: Sequence[str]) -> Group:
        columns = [at for at, cell in enumerate(header) if _NAMING_COLUMN.fullmatch(cell.strip())]
        if len(columns) < 2:
            return ()
        found = [self.names.name(row[at]) for at in columns if at < len(row)]
        return self._linked([name for name in found if name], usual=True)

    def _heading(self, text: str) -> Iterator[Group]:
        if _UNREAD.search(text):
            return
        if _PIPE.search(text):
            yield self._linked(self._named(_PIPE.split(text)), form=True, usual=self.piped)
        elif _SLASH.search(text):
            yield self._linked(self._named(_SLASH.split(text)))
        else:
            yield self._linked(
                self._named(_split_brackets(text)), bracket=True, usual=self.bracketed, all_of=True
            )

    def _item(self, text: str, shown: str) -> Iterator[Group]:
        head = _HEAD.match(shown)
        if head and not _UNREAD.search(text.partition("\n")[0]):
            yield self._linked(self._named(_split_brackets(head.group())), bracket=True, all_of=True)
            defined = _DEFINED.match(shown)
            if defined:
                yield self._spelt_out(defined["short"], defined["rest"])

    def _spelt_out(self, short: str, rest: str) -> Group:
        """An abbreviation with the phrase that follows it, and what brackets behind the phrase add."""
        phrase = _PHRASE.match(rest)
        if not phrase or not is_abbreviation(short):
            return ()
        words = phrase.group().split()
        count = leading(short, words)
        capitals = all(word[0].isupper() for word in words[:count] if len(word) > 3)
        if not count or (count < len(words) and not capitals):
            return ()  # the words go on: a sentence that happens to begin with these letters
        full = " ".join(words[:count])
        inside = _BRACKETS.match(rest[phrase.end() :].strip()) if count == len(words) else None
        return self._linked(
            self._named([short, full, *(_COMMA.split(inside["inside"]) if inside else ())])
        ) or (self._linked(self._named([short, full])))

    def _sentences(self, text: str) -> Iterator[Group]:
        for found in _STANDS_FOR.finditer(text):
            yield self._spelt_out(found["short"], found["rest"])
        for found in _BRACKETS.finditer(text):
            line = text.rfind("\n", 0, found.start()) + 1
            before = text[max(line, found.start() - _LONGEST_BEFORE) : found.start()].rstrip()
            inside = self._named(_COMMA.split(_LEAD.sub("", found["inside"], count=1).strip('「」『』"“”')))
            if not before or not inside or (line == 0 and found.end() == len(text)):
                continue
            yield self._beside(before, inside, _NAMED.match(text, found.end()) is not None)

    def _beside(self, before: str, inside: list[Name], named: bool) -> Group:
        """What stands before a bracket with what stands in it."""
        phrase = _PHRASE_BEFORE.search(before)
        if phrase:
            words = phrase.group().split()
            # the shortest that is borne out: words before it belong to the sentence
            for at in range(len(words) - 1, -1, -1):
                name = self.names.name(" ".join(words[at:]))
                if name and any(self._in_a_sentence(name, other, words[:at]) for other in inside):
                    return self._linked([name, *inside])
            return self._linked(inside)
        name = self._noun_before(before)
        if name and named and any(self.names.translated(name, other) for other in inside):
            return self._linked([name, *inside], form=True)
        return self._linked([name, *inside], all_of=True) if name else self._linked(inside)

    def _in_a_sentence(self, name: Name, other: Name, before: Sequence[str]) -> bool:
        """Borne out; parts alone only where capitals say where the phrase begins."""
        if not self.names.borne_out(name, other):
            return False
        if name.short or other.short or name.japanese == other.japanese:
            return True
        titled = all(word[0].isupper() for word in name.text.split() if len(word) > 3)
        return name.parts == 1 or (titled and not (before and before[-1][0].isupper()))

    def _noun_before(self, before: str) -> Name | None:
        """The nouns at the end of a text, as many as follow one another."""
        start = len(before)
        for token in reversed(spine(self.analyser.tokens(before))):
            if token.end != start or token.kind in ("weak", "question", "predicate"):
                break
            start = token.start
        name = self.names.name(before[start:])
        return name if name and name.japanese else None

    def _linked(
        self,
        names: Sequence[Name],
        *,
        form: bool = False,
        bracket: bool = False,
        usual: bool = False,
        all_of: bool = False,
    ) -> Group:
        """The largest set of names that are linked, directly or over others.

        Args:
            names: In reading order.
            form: The form says that they are names of one thing: a translation needs no more.
            bracket: It says so less clearly: see the table above.
            usual: The note, or a table's header, has a way of naming: Japanese beside Latin needs no more.
            all_of: Where one is not linked, all are a list of examples: トークン化（BPE、WordPiece）.
        """
        sets = [{name.text} for name in dict.fromkeys(names)]
        for one, other in combinations(dict.fromkeys(names), 2):
            if not self._link(one, other, form=form, bracket=bracket, usual=usual):
                continue
            ours = next(s for s in sets if one.text in s)
            theirs = next(s for s in sets if other.text in s)
            if ours is not theirs:
                ours |= theirs
                sets.remove(theirs)
        largest = max(sets, key=len, default=set[str]())
        if len(largest) < 2 or (all_of and len(sets) > 1):
            return ()
        return tuple(dict.fromkeys(name.text for name in names if name.text in largest))

    def _link(self, one: Name, other: Name, *, form: bool, bracket: bool, usual: bool) -> bool:
        if self.names.borne_out(one, other) or (usual and one.japanese != other.japanese):
            return True
        if not (form or bracket) or not self.names.translated(one, other):
            return False
        latin = other if one.japanese else one
        return form or len(latin.text.split()) > 1 or latin.text.islower()


def _split_brackets(text: str) -> list[str]:
    found = _BRACKETED.fullmatch(text.strip())
    if not found:
        return []
    return [found["before"], *_COMMA.split(_LEAD.sub("", found["inside"], count=1).strip('「」『』"“”'))]


def _one_line(text: str) -> str:
    return text.partition("\n")[0].strip()


def _flat(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _flat(node.children)
