"""Inputs for the fuzzer: mutations of sound files, notes by a grammar of Markdown, and any bytes."""

import re
from collections.abc import Sequence
from itertools import chain

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

LONGEST = 65_536
TOKENS = re.compile(rb"<[^<>]*>|&\w*;?|[^<&\n]+|\n|.", re.DOTALL)
"""Pieces that a mutation moves as a whole: tags, entities, runs of text, line breaks."""

Step = tuple[int, int, int, bytes]


def inputs(seeds: Sequence[bytes], *, written: bool) -> SearchStrategy[bytes]:
    """Bytes for a target that can begin from `seeds`; `written` adds notes made by the grammar."""
    made = [mutations(seeds)] if seeds else []
    made += [notes(), mutated(notes())] if written else []
    return st.one_of(*made, *made, st.binary(max_size=300))


def mutations(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """A seed with one to eight steps done to it."""
    return mutated(st.sampled_from(seeds))


def mutated(base: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """What `base` gives, with one to eight steps done to it."""
    number = st.integers(0, 2**20)
    step = st.tuples(st.integers(0, 8), number, number, st.binary(min_size=1, max_size=6))
    return st.builds(_stepped, base, st.lists(step, min_size=1, max_size=8))


def _stepped(data: bytes, steps: Sequence[Step]) -> bytes:
    for kind, one, other, piece in steps:
        data = _step(data, kind, one, other, piece)[:LONGEST]
    return data


def _step(data: bytes, kind: int, one: int, other: int, piece: bytes) -> bytes:
    at = one % (len(data) + 1)
    if kind >= 5:
        return _token_step(data, kind, one, other)
    match kind:
        case 0:  # overwritten
            return data[:at] + piece + data[at + len(piece) :]
        case 1:  # inserted
            return data[:at] + piece + data[at:]
        case 2:  # cut out
            return data[:at] + data[at + other % 80 + 1 :]
        case 3:  # cut short
            return data[:at]
        case _:  # a piece of it again and again
            return data[:at] + data[at : at + len(piece) * 3] * (other % 200) + data[at:]


def _token_step(data: bytes, kind: int, one: int, other: int) -> bytes:
    tokens = TOKENS.findall(data)
    if not tokens:
        return data
    at, to = one % len(tokens), other % len(tokens)
    match kind:
        case 5:  # gone
            del tokens[at]
        case 6:  # elsewhere too
            tokens.insert(to, tokens[at])
        case 7:  # changed for another
            tokens[at], tokens[to] = tokens[to], tokens[at]
        case _:  # many times
            tokens[at:at] = [tokens[at]] * (other % 300)
    return b"".join(tokens)


WORDS = (
    "光合成",
    "は",
    "細胞の",
    "TCP",
    "a b",
    "第1章",
    "。",
    "．",
    "ｶﾅ",
    "é",
    "👩‍🔬",
    "が\u3099",
    "\u3000",
    "x" * 90,
)
MARKS = (
    *(
        "*",
        "**",
        "_",
        "`",
        "``",
        "[",
        "](",
        ")",
        "![",
        "[[",
        "]]",
        "<b>",
        "</b>",
        "<br>",
        "<!--",
        "-->",
        "<EOS>",
    ),
    *(
        "$",
        "$$",
        "|",
        "\\",
        "\\|",
        "==",
        "~~",
        "&amp;",
        "&#0;",
        "http://e.org/?a=b",
        ":",
        "[^1]",
        "{#id}",
        "\t",
        "\ufeff",
    ),
)
PREFIXES = (
    *(
        "# ",
        "###### ",
        "#",
        "- ",
        "* ",
        "+ ",
        "・",
        "1. ",
        "99999999999. ",
        "2) ",
        "> ",
        ">> ",
        "    ",
        "\t",
        "  - ",
    ),
    *(
        "- [ ] ",
        "| ",
        "|",
        "---",
        "===",
        "***",
        "```",
        "~~~~",
        "```python",
        "$$",
        ": ",
        "[^1]: ",
        "[a]: ",
        "<div>",
    ),
    *(
        "</div>",
        "<details><summary>",
        "<table><tr><td>",
        "<pre>",
        "<!--",
        "-->",
        "2026-01-02",
        "## 1/2",
        "\\",
    ),
)
ENDS = ("\n", "\n", "\n", "\n\n", "\r\n", "\r", "  \n", "\\\n", "\x0b", "\x0c\n", "\u2028", "\u0085", "")
CODECS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "cp932", "euc_jp", "iso2022_jp", "utf-16", "latin-1")


def notes() -> SearchStrategy[bytes]:
    """A note: front matter or none, then lines with marks before, within and behind, in some encoding."""
    word = st.sampled_from(WORDS + MARKS)
    inline = st.lists(word, max_size=6).map(" ".join) | st.lists(word, max_size=8).map("".join)
    prefix = st.lists(st.sampled_from(PREFIXES), max_size=4).map("".join)
    line = st.tuples(prefix, inline, st.sampled_from(ENDS)).map("".join)
    table = st.lists(st.lists(inline, min_size=1, max_size=4), min_size=1, max_size=4).map(_table)
    block = st.one_of(line, line, line, table, st.lists(line, max_size=4).map(_fenced))
    front = st.sampled_from(
        ("", "", "---\ntitle: a\n---\n", "---\ntags: [a, 'b']\n---\n", "---\n: :\n---\n", "---\n")
    )
    text = st.tuples(front, st.lists(block, max_size=14).map("".join)).map("".join)
    return st.builds(lambda content, codec: content.encode(codec, "replace"), text, st.sampled_from(CODECS))


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(row) + " |\n" for row in lines)


def _fenced(lines: list[str]) -> str:
    return "".join(chain(["```\n"], lines, ["```\n"]))
