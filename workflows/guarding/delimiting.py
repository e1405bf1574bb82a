"""Passages and tool results as they stand in a prompt: between borders that they cannot write themselves.

The border is a hash of all that stands between borders in that prompt, and of the question. It is another one for
each request, and whoever writes a note cannot know it: it depends on the note itself, so that a note that holds it
would have to hold its own hash. Unlike a random number it is the same when the same is asked again, so that an eval
repeats, and a model may reuse what it read.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from terakoya.types import Passage
from workflows.guarding.passages import trusted, trusted_text
from workflows.guarding.tokens import inert

_ATTRIBUTE: Final = str.maketrans({'"': "'", "<": "‹", ">": "›", "\n": " ", "\r": " "})


def border(*parts: str) -> str:
    """The border of a prompt that is made of `parts`: 32 hexadecimal digits that none of them holds."""
    for attempt in range(1000):
        made = blake2b(digest_size=16, salt=attempt.to_bytes(2, "big"))
        for part in parts:
            raw = part.encode("utf-8", "surrogatepass")
            made.update(len(raw).to_bytes(8, "big") + raw)
        found = made.hexdigest()
        if not any(found in part for part in parts):
            return found
    raise AssertionError("a text of finite length cannot hold a thousand hashes of itself")


def passage_data(number: int, passage: Passage, border: str, *, longest: int | None = None) -> str:
    """A passage in a prompt: suspicious parts left out, marks of templates broken, between borders.

    Of a passage that is cut to `longest` code points the beginning stays; it is cut after suspicious parts went.
    """
    shown = trusted(passage)
    path = " > ".join((*shown.heading, *shown.ancestors)).translate(_ATTRIBUTE)
    text = inert(shown.text)[:longest]
    return f'<passage number="{number}" path="{inert(path)}" border="{border}">\n{text}\n</passage {border}>'


def data_border(passages: Sequence[Passage], question: str, facts: Sequence[str] = ()) -> str:
    """The border of the passages, and of what is remembered, for this question."""
    return border(question, *(p.text for p in passages), *(" ".join(p.heading) for p in passages), *facts)


def remembered_data(facts: Sequence[str], border: str) -> str:
    """What the person asked to remember, in a prompt: as little of an instruction as a note is; empty without any."""
    if not facts:
        return ""
    lines = "\n".join(map(remembered_line, facts))
    return f'<remembered border="{border}">\n{lines}\n</remembered {border}>'


def remembered_line(fact: str) -> str:
    """One thing to remember in a prompt: on one line, without what reads like an order, marks of templates broken."""
    return f"- {inert(' '.join(trusted_text(fact).split()))}"


def passages_data(passages: Sequence[Passage], question: str) -> tuple[str, str]:
    """All passages as they stand in a prompt, numbered from 1, and their border."""
    mark = data_border(passages, question)
    return "\n\n".join(passage_data(n, p, mark) for n, p in enumerate(passages, start=1)), mark


def asked_words(question: str) -> str:
    """The user's own words in a prompt: an order, but none to end the message that they stand in."""
    return inert(question)
