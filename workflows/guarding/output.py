"""What a model wrote, before anyone sees it: leaked instructions, images, links, marks of templates.

An address may stand in an answer if it stands, letter for letter, in what the answer may repeat: the quotes that it
cites, and the question. An address that a model made up may carry what it has read to whoever owns it, with a click or,
in an image, without one; one that a note holds was written before the question was asked, and cannot.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from terakoya.text.language import language_of
from terakoya.text.normalise import squeeze
from terakoya.text.sentences import sentence_spans
from workflows.guarding.tokens import TOKEN

Kind = Literal["image", "link", "instructions", "token", "hidden"]
GONE: Final = "…"
"""Stands where an address stood."""
_IMAGE: Final = re.compile(
    r"!\[(?P<alt>[^\[\]\n]{0,500})\](?:\(\s{0,5}(?P<target><[^<>\n]{0,2000}>|[^\s()<>]{0,2000}(?:\([^\s()]{0,500}\)[^\s()]{0,500}){0,3})(?:\s[^()\n]{0,500})?\)|\[[^\[\]\n]{0,200}\])|"
    r"<\s{0,3}(?:img|image|video|audio|iframe|embed|object|source|link|script|svg|style|input|body)\b[^<>]{0,2000}>?",
    re.IGNORECASE,
)
_LINK: Final = re.compile(
    r"(?<!!)\[(?P<label>[^\[\]\n]{0,500})\]\(\s{0,5}(?P<target><[^<>\n]{0,2000}>|[^\s()<>]{0,2000}(?:\([^\s()]{0,500}\)[^\s()]{0,500}){0,3})(?:\s[^()\n]{0,500})?\)"
)
_DEFINED: Final = re.compile(
    r"^[ \t>]{0,8}\[[^\[\]\n]{1,200}\]:[ \t]{0,5}(?P<target>\S{1,2000})[^\n]{0,300}$", re.MULTILINE
)
_ANCHOR: Final = re.compile(
    r"<\s{0,3}/?\s{0,3}(?:a|area|base|form|button|meta)\b[^<>]{0,2000}>", re.IGNORECASE
)
_TOP: Final = (
    "com|net|org|info|biz|io|ai|app|dev|xyz|top|site|online|shop|store|club|live|link|click|page|cloud|tech|space|website|"
    "example|test|invalid|jp|uk|us|de|fr|cn|ru|kr|tw|eu|ca|au|in|br|it|es|nl|ch|me|tv|cc|gg|ly|to|edu|gov|tokyo"
)
ADDRESS: Final = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{1,20}}://|//(?=[\w-]{{1,63}}\.)|www\.|mailto:|tel:|javascript:|vbscript:|data:(?=[\w+/;-]{{1,40}},))[^\s<>\"'`|\\^\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]{{1,2000}}|"
    rf"(?<![\w@./+-])[\w.+-]{{1,64}}@(?:[\w-]{{1,63}}\.){{1,5}}[a-z]{{2,20}}|"
    rf"(?<![\w@./-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_TOP})(?![\w-])(?:[:/?#][^\s<>\"'`|\\^\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]{{0,2000}})?",
    re.IGNORECASE,
)
"""URLs, mail addresses, and names of hosts that a reader or a page takes for a link."""
_REMOTE: Final = re.compile(r"\s*<?\s*(?:[a-z][a-z0-9+.-]{0,20}:|//|\\\\)", re.IGNORECASE)
_ATTACHED: Final = re.compile(r"\s*<?\s*attachment:", re.IGNORECASE)
_HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_LEADS_AWAY: Final = re.compile(r"[./:\\?]")
"""`a[0](b)` is no link to anywhere."""
_TRAILING: Final = ".,;:!?)]}>*_~`'\"”’」』）】。、"
_WINDOW: Final = {"en": 30, "ja": 14}
"""Code points in a row, white space left out, that an answer has from the instructions by no accident."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Something that was taken out of an answer.

    Attributes:
        kind: What it was.
        text: Its beginning.
    """

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer that may be shown.

    Attributes:
        text: The answer.
        removed: What was taken out of it.
    """

    text: str
    removed: tuple[Removal, ...] = ()


def checked_output(
    text: str, allowed: Iterable[str] = (), *, instructions: Iterable[str] = (), border: str = ""
) -> Checked:
    """`text` without what nobody asked for.

    Remote images are replaced by what they show, other images and links that stand in none of `allowed` by their label,
    bare addresses by `GONE`. Sentences with a piece of the instructions go, and so do marks of chat templates.

    Args:
        text: What a model wrote, in Markdown.
        allowed: What it may repeat: the quotes that it cites, the question.
        instructions: The prompt without what was filled into it.
        border: Of the data in the prompt; it is secret.
    """
    return _Check(tuple(allowed), tuple(instructions), border).of(text)


def addresses(text: str) -> set[str]:
    """All addresses in a text, so that equal ones compare equal."""
    found = {_canonical(match[0]) for match in ADDRESS.finditer(text)}
    for pattern in (_IMAGE, _LINK, _DEFINED):
        targets = (match["target"] or "" for match in pattern.finditer(text))
        found |= {_canonical(target) for target in targets if _LEADS_AWAY.search(target)}
    return found


def leaks(text: str, instructions: Iterable[str], allowed: Iterable[str] = ()) -> bool:
    """Whether `text` has so much of the instructions in one piece as it cannot have by accident."""
    said = squeeze(text)
    known = [squeeze(each) for each in allowed]
    return any(piece in said and not any(piece in each for each in known) for piece in _pieces(instructions))


class _Check:
    def __init__(self, allowed: Sequence[str], instructions: Sequence[str], border: str) -> None:
        self._allowed = allowed
        self._instructions = instructions
        self._border = border
        self._addresses = {address for each in allowed for address in addresses(each)}
        self._removed: list[Removal] = []

    def of(self, text: str) -> Checked:
        text = _HIDDEN.sub(lambda m: self._gone("hidden", m[0], ""), text)
        if self._border:
            text = text.replace(self._border, "")
        text = TOKEN.sub(self._token, text)
        text = self._without_leaks(text)
        text = _IMAGE.sub(self._image, text)
        text = _LINK.sub(self._link, text)
        text = _DEFINED.sub(
            lambda m: m[0] if self._permits(m["target"]) else self._gone("link", m[0], ""), text
        )
        text = _ANCHOR.sub(lambda m: m[0] if self._known(m[0]) else self._gone("link", m[0], ""), text)
        before = ""
        while text != before:  # what is left around an address that went may be another one
            before, text = text, ADDRESS.sub(self._address, text)
        return Checked(text, tuple(self._removed))

    def _gone(self, kind: Kind, found: str, instead: str) -> str:
        self._removed.append(Removal(kind, found[:200]))
        return instead

    def _known(self, found: str) -> bool:
        return any(found in each for each in self._allowed)

    def _token(self, found: re.Match[str]) -> str:
        return found[0] if self._known(found[0]) else self._gone("token", found[0], "")

    def _image(self, found: re.Match[str]) -> str:
        target = found["target"] or ""
        outside = bool(_REMOTE.match(target)) and not _ATTACHED.match(target)
        if not outside and self._known(found[0]):
            return found[0]
        return self._gone("image", found[0], found["alt"] or "")

    def _link(self, found: re.Match[str]) -> str:
        if self._permits(found["target"]):
            return found[0]
        return self._gone("link", found[0], found["label"])

    def _address(self, found: re.Match[str]) -> str:
        address = found[0].rstrip(_TRAILING)
        if self._permits(address):
            return found[0]
        return self._gone("link", address, GONE) + found[0][len(address) :]

    def _permits(self, target: str) -> bool:
        return not _LEADS_AWAY.search(target) or _canonical(target) in self._addresses

    def _without_leaks(self, text: str) -> str:
        if not self._instructions or not leaks(text, self._instructions, self._allowed):
            return text
        kept: list[str] = []
        at = 0
        for start, end in _lines_of_sentences(text):
            if leaks(text[start:end], self._instructions, self._allowed):
                kept.append(text[at:start])
                self._gone("instructions", text[start:end], "")
                at = end
        text = "".join([*kept, text[at:]])
        # a piece that goes over the end of a sentence: nothing of such a text can be kept
        return "" if leaks(text, self._instructions, self._allowed) else text


def _lines_of_sentences(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for line in text.splitlines(keepends=True):
        yield from ((begin + a, begin + b) for a, b in sentence_spans(line))
        begin += len(line)


def _pieces(instructions: Iterable[str]) -> Iterator[str]:
    for each in instructions:
        text = squeeze(each)
        window = _WINDOW[language_of(each)]
        yield from (text[at : at + window] for at in range(len(text) - window + 1))


def _canonical(address: str) -> str:
    return (
        address.strip()
        .strip("<>")
        .rstrip(_TRAILING)
        .removeprefix("http://")
        .removeprefix("https://")
        .casefold()
    )
