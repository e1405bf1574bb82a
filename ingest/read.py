"""One file to one note, ready for the store: decoded, seen, parsed, cut and analysed."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Final

from ingest.chunks import Chunk, chunk
from ingest.decode import NotText, decode
from ingest.document import plain
from ingest.formats import FORMATS, extract
from ingest.markdown import parse
from ingest.view import View, view_of
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.types import Language, Remark

READER_VERSION: Final = "2"
"""Changes whenever the same file would be read into other chunks; notes of an older one are read again."""
MARKDOWN: Final = frozenset({".md", ".markdown", ".mdown", ".mkd"})
PLAIN: Final = frozenset({".txt", ".text"})
SUFFIXES: Final = MARKDOWN | PLAIN | FORMATS
"""Files that are one note each."""
ARCHIVE: Final = ".zip"
"""A file whose members are notes."""
KINDS: Final = SUFFIXES | {ARCHIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRecord:
    """One chunk with everything that the store keeps of it, in positions of the source."""

    key: str
    chunk: Chunk
    text: str
    start_line: int
    end_line: int
    start: int
    end: int
    cuts: tuple[tuple[int, int], ...]
    language: Language
    pages: tuple[tuple[int, int], ...]
    doubtful: bool
    words: Counter[str]
    grams: Counter[str]

    @property
    def embedded_text(self) -> str:
        """What an embedder reads: the text under its headings and ancestors."""
        return embedded_text(self.chunk.heading, self.chunk.ancestors, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecord:
    """One note with everything that the store keeps of it."""

    path: str
    digest: str
    encoding: str
    repair: str | None
    language: Language
    title: str
    tags: tuple[str, ...]
    view: View
    remarks: tuple[Remark, ...]
    chunks: tuple[ChunkRecord, ...]


def digest_of(data: bytes) -> str:
    """The content hash that tells whether a file changed."""
    return blake2b(data, digest_size=16).hexdigest()


def read_note(data: bytes, *, path: str, root: str, analyser: Analyser) -> NoteRecord:
    """Reads one file's bytes.

    Args:
        data: The file.
        path: Relative to the root, with `/`; its suffix tells the format.
        root: Absolute path of the root; passage ids depend on it.
        analyser: Makes the terms of the index.

    Raises:
        BadInput: The file is no text, damaged, encrypted, or made to take more than it should.
        Unavailable: The process that reads PDF cannot be started.
    """
    suffix = PurePosixPath(path).suffix.lower()
    source = _source(data, path, suffix)
    view = source.view
    document = parse(view.text, plain_text=suffix in PLAIN)
    title = source.title or document.title or PurePosixPath(path).stem
    records = []
    for ordinal, piece in enumerate(chunk(document)):
        text = view.text[piece.start : piece.end]
        start, end = view.source_offset(piece.start), view.source_offset(max(piece.start, piece.end - 1)) + 1
        first = view.text.count("\n", 0, piece.start) + 1
        indexed = indexed_text(title, piece.heading, piece.ancestors, text)
        key = blake2b(
            f"{root}\0{path}\0{ordinal}\0{text}".encode(errors="replace"), digest_size=12
        ).hexdigest()
        records.append(
            ChunkRecord(
                key=key,
                chunk=piece,
                text=text,
                start_line=first,
                end_line=first + text.count("\n"),
                start=start,
                end=end,
                cuts=view.cuts_within(piece.start, piece.end),
                language=language_of(text),
                pages=_pages_within(source.pages, piece.start, piece.end),
                doubtful=any(low < end and start < high for low, high in source.doubtful),
                words=analyser.words(indexed),
                grams=analyser.grams(indexed),
            )
        )
    return NoteRecord(
        path=path,
        digest=digest_of(data),
        encoding=source.encoding,
        repair=source.repair,
        language=language_of(view.text),
        title=title,
        tags=document.tags,
        view=view,
        remarks=(),
        chunks=tuple(records),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A file as text, however it was kept."""

    view: View
    encoding: str
    repair: str | None
    doubtful: tuple[tuple[int, int], ...]
    title: str = ""
    pages: tuple[tuple[int, int], ...] = ()


def _source(data: bytes, path: str, suffix: str) -> _Source:
    if suffix in FORMATS:
        found = extract(data, path=path, suffix=suffix)
        return _Source(
            view=view_of(found.text) if found.markup else View(found.text, ()),
            encoding=found.encoding,
            repair=found.repair,
            doubtful=((0, len(found.text)),) if found.doubtful else (),
            title=found.title,
            pages=found.pages,
        )
    try:
        decoded = decode(data)
    except NotText as error:
        raise BadInput(f"note_{error.reason}", path=path) from None
    return _Source(
        view=view_of(decoded.text),
        encoding=decoded.encoding,
        repair=decoded.repair,
        doubtful=decoded.doubtful,
    )


def _pages_within(pages: Sequence[tuple[int, int]], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Pages that text from `start` to `end` stands on, with offsets counted from `start`."""
    first = bisect_right(pages, (start, 1 << 62)) - 1
    return tuple((max(0, at - start), page) for at, page in pages[max(0, first) :] if at < end)


def indexed_text(title: str, heading: tuple[str, ...], ancestors: tuple[str, ...], text: str) -> str:
    """What the lexical index reads of a chunk: its text under its title, headings and ancestors."""
    beyond = () if title in heading else (title,)
    return "\n".join((*beyond, *heading, *ancestors, plain(text)))


def embedded_text(heading: Sequence[str], ancestors: Sequence[str], text: str) -> str:
    """What an embedder reads of a chunk: its text under its headings and ancestors."""
    context = " > ".join((*heading, *ancestors))
    return f"{context}\n{plain(text)}" if context else plain(text)
