"""From complaint to test: a thumb becomes a case of a suite, and an item of its dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.tracing.account import Account
from app.tracing.masking import Masker
from evals.note import Notes, read_notes
from evals.schema import nearest
from evals.suite import load_suite
from evals.suite_file import add_case, begin_suite, read_cases
from terakoya.api import FeedbackItem
from terakoya.errors import BadInput
from terakoya.text.language import language_of
from terakoya.text.normalise import squeeze

TAG = "feedback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What became of a thumb.

    Attributes:
        case: Id of its case.
        line: Where the case stands in the suite file; 0 where it stood there already.
        suite: Name of the suite, and of the dataset.
    """

    case: str
    line: int
    suite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    name: str
    folder: Path
    notes: Notes


def promote(
    item: FeedbackItem,
    path: Path,
    *,
    expected: Sequence[str] = (),
    passages: Sequence[str] = (),
    unanswerable: bool = False,
    must_pass: bool = False,
    case_id: str = "",
    notes: Path | None = None,
) -> Promoted:
    """Makes a case of a thumb; one with the same question is left as it is.

    Args:
        item: The thumb.
        path: The suite file.
        expected: Texts that the answer must hold.
        passages: Where the answer stands, as `SOURCE:LINE`.
        unanswerable: The notes do not answer it.
        must_pass: The suite fails from now on where this case is not right.
        case_id: Of the case; made of the trace's id by default.
        notes: The folder of notes of a new suite, which is made where there is no file.

    Raises:
        BadInput: Nothing is expected, a passage is not there, or the suite cannot be used or written.
    """
    if not item.question:
        raise BadInput("feedback_lost", id=item.trace_id[:12])
    if bool(expected or passages) == unanswerable:
        raise BadInput("feedback_expects")
    if new := notes is not None and not path.exists():
        suite = _Known(name=path.stem, folder=notes, notes=read_notes(notes))
    else:
        loaded = load_suite(path)
        suite = _Known(name=loaded.name, folder=loaded.folder, notes=loaded.notes)
    cases = {} if new else read_cases(path)
    asked = {"conversation": [*item.earlier, item.question]} if item.earlier else {"question": item.question}
    for name, case in cases.items():
        if _asks(case) == _asks(asked):
            return Promoted(case=name, line=0, suite=suite.name)
    made: dict[str, Any] = {
        "id": case_id or f"{TAG}-{item.trace_id[:8]}",
        **asked,
        "language": language_of(item.question),
        "tags": [TAG],
    }
    if unanswerable:
        made["answerable"] = False
    if expected:
        made["expected"] = list(expected)
    if passages:
        made["passages"] = [_passage(suite, place) for place in passages]
    if must_pass:
        made["must_pass"] = True
    line = begin_suite(path, name=suite.name, notes=suite.folder, case=made) if new else add_case(path, made)
    return Promoted(case=made["id"], line=line, suite=suite.name)


def put_into_dataset(account: Account, path: Path, promoted: Promoted, trace_id: str, masker: Masker) -> None:
    """Writes the case into the dataset of its suite, with the trace that it comes from, masked as traces are.

    Raises:
        BadInput: The server does not like it.
        Unavailable: The server cannot be reached.
    """
    from app.langfuse.items import DATASETS, ITEMS, item_of, read_items
    from app.langfuse.project import Project
    from evals.importers.langfuse import case_id

    case = read_cases(path)[promoted.case]
    with Project(account) as project:
        ids = {case_id(item): str(item["id"]) for item in read_items(project, promoted.suite) or ()}
        project.post(DATASETS, {"name": promoted.suite})
        item = item_of(promoted.suite, promoted.case, case, id=ids.get(promoted.case, ""), masker=masker)
        project.post(ITEMS, {**item, "sourceTraceId": trace_id})


def _asks(case: Mapping[str, Any]) -> list[str]:
    return [squeeze(turn) for turn in case.get("conversation") or [case.get("question", "")]]


def _passage(suite: _Known, place: str) -> dict[str, str]:
    source, _, number = place.rpartition(":")
    note = suite.notes.get(source)
    if note is None:
        known = list(suite.notes)
        near = nearest(source or place, known) if known else ""
        raise BadInput("feedback_passage", place=place, folder=suite.folder, near=near)
    if not number.isdecimal() or len(number) > 9 or not 1 <= int(number) <= len(note.lines):
        raise BadInput("feedback_line", place=place, source=source, count=len(note.lines))
    words = note.lines[int(number) - 1].strip()
    if not words:
        raise BadInput("feedback_blank", place=place)
    return {"source": source, "text": words}
