"""One file to one note, ready for the store: decoded, seen, parsed, cut and analysed."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Final

from ingest.aliases import aliases_of
from ingest.chunks import Chunk, chunk
from ingest.decode import NotText, decode
from ingest.document import Document, Image
from ingest.expansion import Alias, keyed
from ingest.formats import FORMATS, extract
from ingest.markdown import parse
from ingest.plain import plain
from ingest.sequence import Indexed, context_of, index
from ingest.tokens import windows
from ingest.unseen import Unseen
from ingest.view import View, view_of
from terakoya.errors import BadInput
from terakoya.protocols import TokenCounter
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.text.normalise import printable
from terakoya.types import Language, Remark

READER_VERSION: Final = "4"
"""Changes whenever the same file would be read into other chunks or aliases; notes of an older one are read again."""
MARKDOWN: Final = frozenset({".md", ".markdown", ".mdown", ".mkd"})
PLAIN: Final = frozenset({".txt", ".text"})
SUFFIXES: Final = MARKDOWN | PLAIN | FORMATS
"""Files that are one note each."""
ARCHIVE: Final = ".zip"
"""A file whose members are notes."""
KINDS: Final = SUFFIXES | {ARCHIVE}
_LINKING: Final = MARKDOWN | {".html", ".htm", ".xhtml", ".ipynb"}
"""Files whose pictures are files of their own; other formats hold them inside."""
_MOST_REMARKS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the chunks of a note are made for.

    Attributes:
        languages: That the embedder reads; empty where there is none.
        tokens: The embedder's tokenizer, None where there is none or no limit.
    """

    languages: frozenset[Language] = frozenset()
    tokens: TokenCounter | None = None

    @property
    def version(self) -> str:
        """Changes whenever the same file would be read into other chunks."""
        if not self.tokens:
            return READER_VERSION
        return f"{READER_VERSION}/{'+'.join(sorted(self.languages))}/{self.tokens.fingerprint}"

    def fits(self, heading: tuple[str, ...], ancestors: tuple[str, ...], text: str) -> bool:
        """Whether the embedder reads all of a chunk at once, where it reads its language."""
        context = _context(heading, ancestors)
        if (
            not self.tokens or len(context) + len(text) < self.tokens.limit // 4
        ):  # no character is four tokens
            return True
        if language_of(text) not in self.languages:
            return True
        return self.tokens.count(f"{context}\n{plain(text)}" if context else plain(text)) <= self.tokens.limit

    def windows(
        self,
        heading: Sequence[str],
        ancestors: Sequence[str],
        text: str,
        language: Language,
        shown: str | None = None,
    ) -> tuple[str, ...]:
        """What the embedder reads of a chunk, none where it does not read its language. See `ChunkRecord.shown`."""
        if language not in self.languages:
            return ()
        context, shown = _context(heading, ancestors), plain(text) if shown is None else shown
        if self.tokens:
            return windows(context, shown, self.tokens)
        return (f"{context}\n{shown}" if context else shown,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRecord:
    """One chunk with everything that the store keeps of it, in positions of the source.

    Attributes:
        context: What stands above it, a line for each.
        shown: What the indexes read of its text, where that is more than `plain` makes of it; see `ingest.unseen`.
        windows: What the embedder reads of it, one text or more; none where it does not read the language.
    """

    key: str
    chunk: Chunk
    text: str
    shown: str | None
    start_line: int
    end_line: int
    start: int
    end: int
    cuts: tuple[tuple[int, int], ...]
    language: Language
    pages: tuple[tuple[int, int], ...]
    doubtful: bool
    context: str
    indexed: Indexed
    windows: tuple[str, ...]


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
    aliases: tuple[tuple[Alias, ...], ...]
    chunks: tuple[ChunkRecord, ...]


def digest_of(data: bytes) -> str:
    """The content hash that tells whether a file changed."""
    return blake2b(data, digest_size=16).hexdigest()


def read_note(
    data: bytes,
    *,
    path: str,
    root: str,
    analyser: Analyser,
    reading: Reading = Reading(),
    missing: Callable[[Image], bool] = lambda image: False,
) -> NoteRecord:
    """Reads one file's bytes.

    Args:
        data: The file.
        path: Relative to the root, with `/`; its suffix tells the format.
        root: Absolute path of the root; passage ids depend on it.
        analyser: Makes the terms of the index.
        reading: What the chunks are made for.
        missing: Whether a picture of the note should be a file and is not there.

    Raises:
        BadInput: The file is no text, damaged, encrypted, or made to take more than it should.
        Unavailable: The process that reads PDF cannot be started.
    """
    suffix = PurePosixPath(path).suffix.lower()
    source = _source(data, path, suffix)
    view = source.view
    document = parse(view.text, plain_text=suffix in PLAIN, name=PurePosixPath(path).stem, images=view.images)
    title = source.title or document.title
    records = []
    breaks = [found.start() for found in re.finditer("\n", view.text)]
    pieces = chunk(document, reading.fits)
    unseen = Unseen(view, pieces)
    for ordinal, piece in enumerate(pieces):
        text = view.text[piece.start : piece.end]
        start, end = view.source_offset(piece.start), view.source_offset(max(piece.start, piece.end - 1)) + 1
        first = bisect_left(breaks, piece.start) + 1
        language = language_of(text)
        shown = unseen.shown(ordinal)
        context = context_of(title, piece.heading, piece.ancestors)
        key = blake2b(
            f"{root}\0{path}\0{ordinal}\0{text}".encode(errors="replace"), digest_size=12
        ).hexdigest()
        records.append(
            ChunkRecord(
                key=key,
                chunk=piece,
                text=text,
                shown=shown,
                start_line=first,
                end_line=first + text.count("\n"),
                start=start,
                end=end,
                cuts=view.cuts_within(piece.start, piece.end),
                language=language,
                pages=_pages_within(source.pages, piece.start, piece.end),
                doubtful=any(low < end and start < high for low, high in source.doubtful),
                context=context,
                indexed=index(context, text, analyser, shown),
                windows=reading.windows(piece.heading, piece.ancestors, text, language, shown),
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
        remarks=(*document.remarks, *_remarks(source, document, missing if suffix in _LINKING else None)),
        aliases=keyed(aliases_of(document, analyser), analyser),
        chunks=tuple(records),
    )


def _remarks(
    source: "_Source", document: Document, missing: Callable[[Image], bool] | None
) -> Iterator[Remark]:
    view = source.view
    if source.doubtful:
        yield Remark(key="doubtful", values={"places": len(source.doubtful), "line": source.first_doubt})
    absent = [image for image in document.local_images() if missing(image)] if missing else []
    for image in absent[:_MOST_REMARKS]:
        line = view.text.count("\n", 0, image.offset) + 1
        yield Remark(key="image_missing", values={"name": printable(image.path)[:200], "line": line})
    if len(absent) > _MOST_REMARKS:
        yield Remark(key="images_missing", values={"count": len(absent) - _MOST_REMARKS})


def check_note(data: bytes, *, path: str) -> None:
    """Raises what `read_note` would, for less work."""
    _source(data, path, PurePosixPath(path).suffix.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A file as text, however it was kept."""

    view: View
    encoding: str
    repair: str | None
    doubtful: tuple[tuple[int, int], ...]
    first_doubt: int
    title: str = ""
    pages: tuple[tuple[int, int], ...] = ()


def _source(data: bytes, path: str, suffix: str) -> _Source:
    if suffix in FORMATS:
        found = extract(data, path=path, suffix=suffix)
        return _Source(
            view=view_of(found.text) if found.markup else View(found.text, ()),
            encoding=found.encoding,
            repair=found.repair,
            doubtful=found.doubtful,
            first_doubt=_line_of(found.text, found.doubtful),
            title=found.title,
            pages=found.pages,
        )
    try:
        decoded = decode(data)
    except NotText as error:
        raise BadInput(f"note_{error.reason}", path=path) from None
    return _Source(
        view=view_of(decoded.text, plain_text=suffix in PLAIN),
        encoding=decoded.encoding,
        repair=decoded.repair,
        doubtful=decoded.doubtful,
        first_doubt=_line_of(decoded.text, decoded.doubtful),
    )


def _line_of(text: str, places: Sequence[tuple[int, int]]) -> int:
    """Line of the first place, from 1."""
    return text.count("\n", 0, places[0][0]) + 1 if places else 0


def _pages_within(pages: Sequence[tuple[int, int]], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Pages that text from `start` to `end` stands on, with offsets counted from `start`."""
    first = bisect_right(pages, (start, 1 << 62)) - 1
    return tuple((max(0, at - start), page) for at, page in pages[max(0, first) :] if at < end)


def _context(heading: Sequence[str], ancestors: Sequence[str]) -> str:
    return " > ".join((*heading, *ancestors))
