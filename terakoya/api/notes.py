"""Notes: what an ingest did, what is in the store, what is taken out."""

from terakoya.api.schema import Schema
from terakoya.types import BlockKind


class IngestRequest(Schema):
    """Folders or files on the service's machine, as absolute paths."""

    paths: list[str]
    dry_run: bool = False


class Problem(Schema):
    """A file that could not be read, or could be read only in part."""

    path: str
    code: str
    message: str


class IngestReport(Schema):
    """What an ingest did.

    Lists hold sources. `dry_run` says that nothing was written, `cancelled` that it was asked to stop before
    its end: what is listed then is in the store, and the same ingest goes on from there. `dropped` are names
    of files that were sent and are not kept, as nothing of them could be read.
    """

    added: list[str] = []
    changed: list[str] = []
    renamed: list[str] = []
    deleted: list[str] = []
    unchanged: int = 0
    chunks: int = 0
    problems: list[Problem] = []
    dropped: list[str] = []
    dry_run: bool = False
    cancelled: bool = False
    seconds: float = 0.0


class NoteProblem(Schema):
    """Something worth telling about a note that was read all the same."""

    code: str
    message: str


class NoteSummary(Schema):
    """One note in the store.

    `upload` is the source of the uploaded file or archive that it came in, whose copy in the home goes when that
    is forgotten; empty for notes of other folders.
    """

    source: str
    title: str
    language: str
    encoding: str
    repair: str | None
    chunks: int
    characters: int
    upload: str = ""
    problems: list[NoteProblem] = []


class AlikeNote(Schema):
    """A note of a group of notes that are alike; `similarity` is that to the first of the group, 0 to 1."""

    source: str
    title: str
    characters: int
    similarity: float


class AlikeNotes(Schema):
    """Notes that say almost the same, the longest first."""

    notes: list[AlikeNote]


class NoteText(Schema):
    """The whole view of a note, for showing a citation in its place: line n of `text` is line n of the file."""

    source: str
    title: str
    text: str


class NoteBlock(Schema):
    """One block of a note's tree, with what is nested in it.

    `start_line`, `end_line`, `start` and `end` reach to the end of what is nested, for a heading to the end of
    its section; lines and code points count in the source, as those of a citation do. `text` is the block's
    own. `passages` are the numbers, from 1, of the passages in which its own text stands.
    """

    kind: BlockKind
    level: int = 0
    start_line: int
    end_line: int
    start: int
    end: int
    date: str = ""
    passages: list[int] = []
    text: str
    children: list["NoteBlock"] = []


class NoteTree(Schema):
    """A note as its blocks, in reading order; blocks below a heading are its children."""

    source: str
    title: str
    passages: int
    blocks: list[NoteBlock]


class ForgetRequest(Schema):
    """What is forgotten: a conversation by its id, a note or a folder of notes by its source, else by its path.

    `path` is absolute; the file or folder need not be there any more.
    """

    source: str
    path: str = ""
    dry_run: bool = False


class ForgetReport(Schema):
    """What is forgotten.

    `sources` are notes, `folders` the ingested folders of which nothing is left, `on_disk` those of the
    sources whose file stays: an ingest of its folder takes it in again. Copies of uploaded files go. `threads`
    are the conversations that went, or lost the answers that cite the notes; `traces` how many traces were
    erased here, `answers` how many answers and votes of suites and of the arena were emptied. `sent_to` is the
    address of a Langfuse server that may have some of the traces.
    """

    sources: list[str]
    threads: list[str] = []
    traces: int = 0
    answers: int = 0
    sent_to: str = ""
    folders: list[str] = []
    on_disk: list[str] = []
    dry_run: bool = False
