"""A suite: a folder of notes, cases that ask about them, and gates. Read from a YAML file.

The format:

    name: sample-notes
    description: what it holds
    notes: ../../examples/notes          # relative to this file
    gates:
      - {metric: recall@5, min_mean: 0.95, max_drop: 0.01}
    cases:
      - id: db-index-purpose
        question: What is an index for?
        language: en
        tags: [single-fact]
        expected: [faster search]        # all of them, in the answer or in its quotes
        passages: [{source: databases.md, text: piece of one line of that note}]
      - id: x-tokyo
        question: How many people live in Tokyo?
        answerable: false
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

from evals.case import Case, ExpectedPassage
from evals.document import Document, Location, read_document
from evals.gate import Gate
from evals.metrics import METRICS
from evals.note import Notes, read_note, read_notes
from terakoya.errors import BadInput
from terakoya.types import Language

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Cases over one folder of notes.

    Attributes:
        name: Unique among the suites of a run; a baseline is matched by it.
        description: For people.
        path: The file.
        folder: Folder of the notes.
        notes: All notes of the folder.
        cases: In the order of the file.
        gates: In the order of the file.
    """

    name: str
    description: str
    path: Path
    folder: Path
    notes: Notes
    cases: tuple[Case, ...]
    gates: tuple[Gate, ...] = ()

    @cached_property
    def notes_digest(self) -> str:
        """Hexadecimal digest of every file in the note folder, with its path."""
        total = hashlib.sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            source = path.relative_to(self.folder).as_posix()
            total.update(f"{source}\0{content}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()[:32]

    @cached_property
    def digest(self) -> str:
        """Hexadecimal digest of cases and notes: two results with the same digest answer the same questions.

        Gates, name and description leave it as it is.
        """
        cases = json.dumps([asdict(case) for case in self.cases], ensure_ascii=True, sort_keys=True)
        return hashlib.sha256(f"{cases}\n{self.notes_digest}".encode()).hexdigest()[:32]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Passage(_Part):
    source: Filled
    text: Filled


class _Case(_Part):
    id: Filled
    question: Filled
    language: Language | None = None
    tags: tuple[Filled, ...] = ()
    answerable: bool = True
    expected: tuple[Filled, ...] = ()
    passages: tuple[_Passage, ...] = ()


class _Gate(_Part):
    metric: Filled
    min_mean: FiniteFloat | None = None
    max_mean: FiniteFloat | None = None
    max_drop: Annotated[FiniteFloat, Field(ge=0)] | None = None


class _Suite(_Part):
    name: Filled
    notes: Filled
    description: str = ""
    gates: tuple[_Gate, ...] = ()
    cases: tuple[_Case, ...]


def load_suite(path: Path, *, read: Callable[[Path], str | None] = read_note) -> Suite:
    """Reads and checks a suite.

    Args:
        path: The YAML file.
        read: Gives the text of a note, or None where it cannot; the default reads UTF-8.

    Raises:
        BadInput: Something in it cannot be used. The message names file and line.
    """
    document = read_document(path)
    raw = _parse(document)
    folder = (path.parent / raw.notes).resolve()
    if not folder.is_dir():
        raise BadInput("eval_notes", path=path, line=document.line(("notes",)), folder=folder)
    _check_cases(document, raw.cases)
    try:
        notes = read_notes(folder, read=read)
    except OSError as error:
        line = document.line(("notes",))
        raise BadInput(
            "eval_note_unread", path=path, line=line, source=error.filename, reason=error.strerror
        ) from None
    return Suite(
        name=raw.name,
        description=raw.description,
        path=path,
        folder=folder,
        notes=notes,
        cases=tuple(_case(document, n, case, notes) for n, case in enumerate(raw.cases)),
        gates=tuple(_gate(document, n, gate) for n, gate in enumerate(raw.gates)),
    )


def load_suites(paths: Sequence[Path]) -> tuple[Suite, ...]:
    """Reads several suites, all before any of them runs.

    Raises:
        BadInput: One cannot be used, or two have the same name.
    """
    suites: dict[str, Suite] = {}
    for path in paths:
        suite = load_suite(path)
        if suite.name in suites:
            raise BadInput("eval_suite_twice", name=suite.name, first=suites[suite.name].path, second=path)
        suites[suite.name] = suite
    return tuple(suites.values())


def _parse(document: Document) -> _Suite:
    try:
        return _Suite.model_validate(document.value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
    problem = min(problems, key=lambda p: document.line(p["loc"]))
    location: Location = problem["loc"]
    place: dict[str, Any] = {"path": document.path, "line": document.line(location)}
    if problem["type"] == "extra_forbidden":
        raise BadInput("eval_key", **place, name=location[-1], known=", ".join(_model(location).model_fields))
    if problem["type"] == "missing":
        raise BadInput("eval_key_missing", **place, name=location[-1])
    name = ".".join(str(part) for part in location) or "suite"
    raise BadInput("eval_value", **place, name=name, value=_short(problem["input"]), reason=problem["msg"])


def _model(location: Location) -> type[_Part]:
    if "passages" in location:
        return _Passage
    if len(location) < 2:
        return _Suite
    return _Case if location[0] == "cases" else _Gate


def _short(value: Any) -> str:
    shown = str(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _check_cases(document: Document, cases: Sequence[_Case]) -> None:
    if not cases:
        raise BadInput("eval_suite_empty", path=document.path, line=document.line(("cases",)))
    first: dict[str, int] = {}
    for n, case in enumerate(cases):
        line = document.line(("cases", n, "id"))
        if case.id in first:
            raise BadInput("eval_case_twice", path=document.path, line=line, id=case.id, first=first[case.id])
        first[case.id] = line
        expects = bool(case.expected or case.passages)
        if case.answerable and not expects:
            raise BadInput("eval_case_empty", path=document.path, line=line, id=case.id)
        if expects and not case.answerable:
            raise BadInput("eval_case_contradiction", path=document.path, line=line, id=case.id)


def _case(document: Document, n: int, raw: _Case, notes: Notes) -> Case:
    return Case(
        id=raw.id,
        question=raw.question,
        language=raw.language or "",
        tags=raw.tags,
        answerable=raw.answerable,
        expected=raw.expected,
        passages=tuple(
            _passage(document, ("cases", n, "passages", m), passage, notes)
            for m, passage in enumerate(raw.passages)
        ),
    )


def _passage(document: Document, location: Location, raw: _Passage, notes: Notes) -> ExpectedPassage:
    place: dict[str, Any] = {"path": document.path, "source": raw.source}
    line = document.line((*location, "source"))
    note = notes.get(raw.source)
    if note is None:
        raise BadInput("eval_note", **place, line=line)
    if not note.lines:
        raise BadInput("eval_note_unread", **place, line=line, reason="not UTF-8 text")
    lines = note.lines_with(raw.text)
    if not lines:
        raise BadInput(
            "eval_passage", **place, line=document.line((*location, "text")), text=_short(raw.text)
        )
    return ExpectedPassage(source=raw.source, text=raw.text, lines=lines)


def _gate(document: Document, n: int, raw: _Gate) -> Gate:
    place: dict[str, Any] = {"path": document.path, "line": document.line(("gates", n, "metric"))}
    if raw.metric not in METRICS:
        raise BadInput("eval_metric", **place, metric=raw.metric, known=", ".join(METRICS))
    gate = Gate(metric=raw.metric, min_mean=raw.min_mean, max_mean=raw.max_mean, max_drop=raw.max_drop)
    if not gate.bounds:
        raise BadInput("eval_gate_empty", **place, metric=raw.metric)
    return gate
