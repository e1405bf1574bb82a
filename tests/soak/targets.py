"""What a reader of files must hold for any bytes at all, as functions for a fuzzer.

`TARGETS` maps a name to a function of bytes. It returns where the bytes were read, or refused with the
product's own error; it raises `AssertionError` where an invariant is broken, and whatever else escapes is a
finding too. `seeds` gives inputs to begin from.

Targets named by a suffix read a file of that kind; the targets with a part in their name (`docx/word/document.xml`) put the
bytes into a sound zip as that member, so that mutations come past the checksums.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final, TypeVar

from ingest.chunks import chunk
from ingest.decode import NotText, decode
from ingest.document import Node
from ingest.formats import extract
from ingest.formats.archive import LARGEST, Archive
from ingest.formats.extract import Extract
from ingest.formats.pdf import flow
from ingest.formats.pdf.pages import pages_of
from ingest.formats.tags import tags
from ingest.markdown import parse
from ingest.read import read_note
from ingest.view import View, view_of
from terakoya.errors import BadInput, Unavailable
from terakoya.text.analyser import Analyser
from tests.ingest.formats import samples

Found = TypeVar("Found")
Target = Callable[[bytes], None]

SECONDS: Final = 5.0
"""CPU time that one call may take, for inputs up to 64 KiB."""
_SAMPLED: Final = 400
_PARTS: Final = {
    "docx": ("word/document.xml", "word/numbering.xml", "word/footnotes.xml", "word/styles.xml"),
    "pptx": ("ppt/slides/slide2.xml", "ppt/slides/slide1.xml", "ppt/notesSlides/notesSlide1.xml"),
    "epub": ("O/c2.xhtml", "O/book.opf"),
}
_SAMPLE: Final = {"docx": "cell.docx", "pptx": "net.pptx", "epub": "stars.epub"}


@contextmanager
def bounded(what: str, size: int) -> Iterator[None]:
    """The block takes no more CPU time than inputs of `size` bytes may."""
    began = time.thread_time()
    yield
    taken = time.thread_time() - began
    assert taken <= SECONDS * max(1.0, size / 65_536), f"{what} took {taken:.1f} s for {size} bytes"


def decoding(data: bytes) -> None:
    """`decode`: text with sound positions, or `NotText`."""
    try:
        with bounded("decode", len(data)):
            found = decode(data)
    except NotText as refused:
        if refused.reason not in ("binary", "undecodable"):
            raise AssertionError(refused.reason) from None
        return
    assert "\r" not in found.text
    assert not any("\ud800" <= char <= "\udfff" for char in found.text), "an unpaired surrogate"
    check_spans(found.doubtful, len(found.text), "doubtful")
    if found.repair is None:
        assert not found.doubtful, "doubtful without a repair"
        assert _unmarked(found.text).encode(_plain_codec(found.encoding), "strict")[:0] == b""


def viewing(data: bytes) -> None:
    """`view_of`: the source's lines, and a way back for every character."""
    source = _source(data)
    with bounded("view_of", len(data)):
        view = view_of(source)
    check_view(view, source)


def chunking(data: bytes) -> None:
    """`parse` and `chunk` over a view, as Markdown and as plain text."""
    source = _source(data)
    view = view_of(source)
    for plain_text in (False, True):
        with bounded("parse and chunk", len(data)):
            check_chunks(view.text, plain_text=plain_text)


def tagging(data: bytes) -> None:
    """`tags`: goes forward only, and ends."""
    text = _source(data)
    behind = 0
    with bounded("tags", len(data)):
        for token in tags(text):
            if not isinstance(token, str):
                assert behind < token.behind <= len(text), "a tag that does not go forward"
                behind = token.behind


def noting(suffix: str) -> Target:
    """`read_note` of a file with this suffix: what the store keeps is valid."""

    def target(data: bytes) -> None:
        with bounded(f"read_note {suffix}", len(data)):
            check_note(data, f"a{suffix}")

    return target


def extracting(suffix: str) -> Target:
    """`extract` of a file with this suffix, then its text through view, tree and chunks."""

    def target(data: bytes) -> None:
        with bounded(f"extract {suffix}", len(data)):
            found = refusable(lambda: extract(data, path=f"a{suffix}", suffix=suffix))
        if found:
            check_extract(found)

    return target


def written(read: Target) -> Target:
    """`read` of the bytes as sound text, which no encoding keeps from being read."""

    def target(data: bytes) -> None:
        read(_source(data).encode())

    return target


def member(kind: str, name: str) -> Target:
    """`extract` of a sound file of `kind` whose member `name` holds the bytes."""
    read = extracting(f".{kind}")

    def target(data: bytes) -> None:
        read(samples.zipped({**_members(kind), name: data}))

    return target


def pages(data: bytes) -> None:
    """PDFium and the layout in this process, so that many can be tried; a crash here is a finding as well."""
    with bounded("pdf", len(data) + 65_536):
        found = pages_of(data)
        if "problem" in found:
            assert found["problem"] in ("encrypted", "damaged", "deep")
            return
        read = refusable(lambda: flow.written(json.loads(json.dumps(found)), path="a.pdf"))
    if read:
        check_extract(read)


def archive(data: bytes) -> None:
    """A zip of notes: names that stay inside, and members of the size that the directory says, or a refusal."""
    with bounded("archive", len(data)):
        refusable(lambda: _members_of(data))


def _members_of(data: bytes) -> None:
    with Archive(data, path="a.zip") as opened:
        for name in opened.names:
            if opened.refusal(name) is None:
                inside = PurePosixPath("/notes") / name
                assert ".." not in inside.parts
                assert not name.startswith("/")
                content = refusable(partial(opened.read, name))
                assert content is None or len(content) <= LARGEST


def cells(data: bytes) -> None:
    """A notebook whose Markdown, code and output are the bytes."""
    text = _source(data)
    book = {
        "cells": [
            {"cell_type": "markdown", "source": text},
            {"cell_type": "code", "source": text, "outputs": [{"output_type": "stream", "text": text}]},
            {"cell_type": "raw", "source": text.splitlines(keepends=True)},
            {
                "cell_type": "code",
                "source": [],
                "outputs": [{"output_type": "execute_result", "data": {"text/html": text}}],
            },
        ]
    }
    extracting(".ipynb")(json.dumps(book).encode())


def check_note(data: bytes, path: str) -> None:
    """Everything that the store keeps of a note is valid in its view."""
    note = refusable(lambda: read_note(data, path=path, root="/notes", analyser=_analyser()))
    if note is None:
        return
    view = note.view
    view.text.encode()
    lines = view.text.split("\n")
    covered = 0
    for record in note.chunks:
        start, end = record.chunk.start, record.chunk.end
        assert record.text == view.text[start:end]
        assert view.source_offset(start) == record.start
        assert view.source_offset(end - 1) + 1 == record.end
        assert record.start < record.end
        assert 1 <= record.start_line <= record.end_line <= len(lines)
        assert view.text.count("\n", 0, start) + 1 == record.start_line
        assert not view.text[covered:start].strip(), "text between two chunks"
        covered = end
        assert list(record.pages) == sorted(record.pages)
        assert all(0 <= at < len(record.text) and page > 0 for at, page in record.pages)
    assert not view.text[covered:].strip(), "text behind the last chunk"


def check_extract(found: Extract) -> None:
    """The text of a file, its pages and doubtful places, and its way to chunks."""
    text = found.text
    text.encode()
    assert "\r" not in text
    assert list(found.pages) == sorted(found.pages)
    assert all(0 <= at <= len(text) and page > 0 for at, page in found.pages)
    assert len({at for at, _ in found.pages}) == len(found.pages), "two pages begin at one place"
    view = view_of(text) if found.markup else View(text, ())
    check_view(view, text)
    check_chunks(view.text, plain_text=False)


def check_view(view: View, source: str) -> None:
    """Lines stay, cuts ascend, and every character has its place in `source`."""
    assert view.text.count("\n") == source.count("\n"), "a line was lost"
    offset = source_at = 0
    for at, length in view.cuts:
        assert at >= offset, "cuts that do not ascend"
        assert length > 0
        assert view.text[offset:at] == source[source_at : source_at + at - offset]
        source_at += at - offset + length
        offset = at
    assert view.text[offset:] == source[source_at:]
    assert list(view.apart) == sorted(set(view.apart)), "words set apart twice"
    assert all(view.text[at - 1 : at + 1].split() == [view.text[at - 1 : at + 1]] for at in view.apart)
    step = max(1, len(view.text) // _SAMPLED)
    for offset in range(0, len(view.text), step):
        assert source[view.source_offset(offset)] == view.text[offset], f"offset {offset} leads elsewhere"


def check_chunks(text: str, *, plain_text: bool) -> None:
    """Nodes nest and ascend; every character that is no space stands in exactly one chunk."""
    document = parse(text, plain_text=plain_text)
    check_nodes(document.nodes, 0, len(text))
    covered = 0
    for piece in chunk(document):
        assert covered <= piece.start < piece.end <= len(text), f"chunk {piece.start}:{piece.end}"
        assert not text[covered : piece.start].strip(), "text between two chunks"
        assert text[piece.start : piece.end].strip(), "a chunk without text"
        covered = piece.end
        size = piece.end - piece.start
        for block in piece.blocks:
            assert 0 <= block.start <= block.end <= block.extent <= size, f"block {block} of {size}"
    assert not text[covered:].strip(), "text behind the last chunk"


def check_nodes(nodes: Iterable[Node], low: int, high: int) -> None:
    """Siblings ascend without overlap, and children lie in their parent."""
    for node in nodes:
        assert low <= node.start <= node.end <= node.extent <= high, f"{node.kind} {node.start}:{node.extent}"
        check_nodes(node.children, node.start, node.extent)
        low = node.extent


def check_spans(spans: Sequence[tuple[int, int]], length: int, name: str) -> None:
    """Half-open ranges that ascend within `length`."""
    low = 0
    for start, end in spans:
        assert low <= start < end <= length, f"{name} {start}:{end} of {length}"
        low = end


def refusable(read: Callable[[], Found]) -> Found | None:
    """What `read` gives; None where it refuses in a sentence that stands in both catalogues."""
    try:
        return read()
    except (BadInput, Unavailable) as refused:
        sentences = [refused.message(language) for language in ("en", "ja")]
    assert all(sentence and "\n" not in sentence for sentence in sentences)
    return None


def seeds(name: str) -> tuple[bytes, ...]:
    """Inputs that `TARGETS[name]` can begin from."""
    kind, _, part = name.partition("/")
    if part:
        return (_members(kind)[part],)
    found = [data for path, data in samples.samples().items() if path.endswith(f".{kind}")]
    if name == "pages":
        found = [
            samples.samples()["physics.pdf"],
            samples.placed_pdf(_PAGE, _PAGE[::-1], outline=(("Title", 0),)),
        ]
    if name == "archive":
        found = [samples.zipped({"a.md": "alpha", "b/図.md": "beta", "../c.md": "gamma", "d/e.zip": b"PK"})]
    if name in ("decode", "view", "chunks", "tags", "cells", "note.md", "note.txt", "html", "page", "note"):
        found += [_NOTE.encode(), samples.HTML.encode()]
    if name == "decode":
        found += [_NOTE.encode(codec) for codec in ("cp932", "euc_jp", "iso2022_jp", "utf-16", "utf-16-le")]
        found.append(_NOTE.encode().decode("latin-1").encode())
    if name == "note.html":
        found = [samples.HTML.encode()]
    return tuple(found)


_PAGE: Final[list[samples.Placed]] = [
    (50, 780, 20, "Title"),
    *((x, 700 - 14 * y, 10, "cells of a row") for y in range(4) for x in (50, 200, 400)),
    *((500 - 14 * at, 600 - 10 * y, 10, char) for at in range(2) for y, char in enumerate("縦に書く日本語")),
    (50, 300, 10, "parted at the end of the li-"),
    (50, 286, 10, "ne and x"),
    (95, 290, 6, "2"),
]
_NOTE = """---
title: 学習メモ
tags: [a, b]
---
# 第一章 <!-- unseen -->
段落は<b>太字</b>を含む。[link](http://example.org) と ![図](img/a.png) 。

- 項目
  - 子項目 `code <b>`
    1. 数
> 引用

| a | b |
| - | - |
| 1 | 二 |

```python
print("<b>")
```
$$
x^2
$$
Title
=====
・中黒
2026-01-02
"""


@cache
def _members(kind: str) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(samples.samples()[_SAMPLE[kind]])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@cache
def _analyser() -> Analyser:
    return Analyser()


def _source(data: bytes) -> str:
    """Any bytes as a source, which has no carriage returns and no NULs."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")


def _unmarked(text: str) -> str:
    return text.removeprefix("\ufeff")


def _plain_codec(encoding: str) -> str:
    return "utf-8" if encoding == "utf-8-sig" else encoding


TARGETS: Final[dict[str, Target]] = {
    "decode": decoding,
    "view": viewing,
    "chunks": chunking,
    "tags": tagging,
    "cells": cells,
    "pages": pages,
    "archive": archive,
    "page": written(extracting(".html")),
    "note": written(noting(".md")),
    **{suffix[1:]: extracting(suffix) for suffix in (".html", ".ipynb", ".docx", ".pptx", ".epub", ".csv")},
    **{f"note{suffix}": noting(suffix) for suffix in (".md", ".txt", ".html")},
    **{f"{kind}/{name}": member(kind, name) for kind, names in _PARTS.items() for name in names},
}
