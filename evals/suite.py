"""A suite: a folder of notes, cases that ask about them, and gates. Read from YAML or JSON Lines.

The format; `evals/schema.py` has all keys:

    name: sample-notes
    description: what it holds
    notes: ../../examples/notes          # relative to this file
    gates:
      - {metric: recall@5, min_mean: 0.95, max_drop: 0.01}
      - {max_p95_ms: 500}
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

As JSON Lines, the first line is an object with all keys but `cases`, and every further line is a case.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from evals.case import OFFERS, Case, ExpectedPassage, KeyFact, Part
from evals.document import Document, Location, read_document
from evals.gate import Gate
from evals.judging import OF_A_JUDGE
from evals.metrics import METRICS
from evals.note import Note, Notes, read_note, read_notes
from evals.schema import CaseForm, GateForm, PassageForm, nearest, read_form, short
from terakoya.errors import BadInput

_LINE_START: Final = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Cases over one folder of notes.

    Attributes:
        name: Unique among the suites of a run; a baseline is matched by it.
        description: For people.
        path: The file.
        folder: Folder of the notes.
        notes: All notes of the folder, as the target reads them: without what `without` takes out.
        cases: In the order of the file, each as often as the suite asks it.
        gates: In the order of the file; the last one names the cases that must pass, where there are any.
        without: Lines that are taken out of the notes; the line numbers count before that.
        target: What is measured.
    """

    name: str
    description: str
    path: Path
    folder: Path
    notes: Notes
    cases: tuple[Case, ...]
    gates: tuple[Gate, ...] = ()
    without: tuple[ExpectedPassage, ...] = ()
    target: Part = "workflow"

    @cached_property
    def notes_digest(self) -> str:
        """Hexadecimal digest of every file in the note folder, with its path, and of what is taken out."""
        total = hashlib.sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            source = path.relative_to(self.folder).as_posix()
            total.update(f"{source}\0{content}\n".encode("utf-8", "surrogateescape"))
        for passage in self.without:
            total.update(f"-{passage.source}\0{passage.lines}\n".encode())
        return total.hexdigest()[:32]

    @cached_property
    def digest(self) -> str:
        """Hexadecimal digest of cases and notes: two results with the same digest answer the same questions.

        Gates, name and description leave it as it is.
        """
        cases = [asdict(replace(case, must_pass=False)) for case in self.cases]
        content = json.dumps(cases, ensure_ascii=True, sort_keys=True)
        part = "" if self.target == "workflow" else self.target
        return hashlib.sha256(f"{content}\n{self.notes_digest}{part}".encode()).hexdigest()[:32]

    def write_notes(self, folder: Path) -> None:
        """Writes the notes into `folder` as the target is to read them: a copy without what is taken out."""
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            source = path.relative_to(self.folder)
            target = folder / source
            target.parent.mkdir(parents=True, exist_ok=True)
            gone = _gone(self.without, source.as_posix())
            content = path.read_bytes()
            target.write_bytes(_cut(content.decode("utf-8-sig"), gone).encode() if gone else content)


def load_suite(path: Path, *, read: Callable[[Path], str | None] = read_note) -> Suite:
    """Reads and checks a suite.

    Args:
        path: The file: JSON Lines where it ends in `.jsonl` or `.ndjson`, else YAML.
        read: Gives the text of a note, or None where it cannot; the default reads UTF-8.

    Raises:
        BadInput: Something in it cannot be used. The message names file and line.
    """
    document = read_document(path)
    raw = read_form(document)
    folder = (path.parent / raw.notes).resolve()
    if not folder.is_dir():
        raise BadInput("eval_notes", path=path, line=document.line(("notes",)), folder=folder)
    _check_cases(document, raw.cases, raw.repeats)
    gates = tuple(_gate(document, n, gate, raw.target) for n, gate in enumerate(raw.gates))
    try:
        notes = read_notes(folder, read=read)
        without = tuple(
            _passage(document, ("without", n), passage, notes) for n, passage in enumerate(raw.without)
        )
        for source in {passage.source for passage in without}:
            text = _cut(read(folder / source) or "", _gone(without, source))
            notes = {**notes, source: Note.of(source, text)}
    except OSError as error:
        line = document.line(("notes",))
        raise BadInput(
            "eval_note_unread", path=path, line=line, source=error.filename, reason=error.strerror
        ) from None
    once = [_case(document, n, case, notes) for n, case in enumerate(raw.cases)]
    cases = tuple(case.again(turn) for case in once for turn in range(1, raw.repeats + 1))
    required = tuple(case.id for case in cases if case.must_pass)
    return Suite(
        name=raw.name,
        description=raw.description,
        path=path,
        folder=folder,
        notes=notes,
        cases=cases,
        gates=(*gates, Gate(metric="correct", must_pass=required)) if required else gates,
        without=without,
        target=raw.target,
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


def _gone(without: Sequence[ExpectedPassage], source: str) -> frozenset[int]:
    return frozenset(line for passage in without if passage.source == source for line in passage.lines)


def _cut(text: str, gone: frozenset[int]) -> str:
    lines = _LINE_START.split(text)
    return "".join(line for number, line in enumerate(lines, 1) if number not in gone)


def _check_cases(document: Document, cases: Sequence[CaseForm], repeats: int) -> None:
    if not cases:
        raise BadInput("eval_suite_empty", path=document.path, line=document.line(("cases",)))
    first: dict[str, int] = {}
    for n, case in enumerate(cases):
        line = document.line(("cases", n, "id"))
        place: dict[str, Any] = {"path": document.path, "line": line, "id": case.id}
        for name in (case.id, *(f"{case.id}#{turn}" for turn in range(2, repeats + 1))):
            if name in first:
                raise BadInput("eval_case_twice", **place | {"id": name}, first=first[name])
            first[name] = line
        if not case.question and not case.conversation:
            raise BadInput("eval_key_missing", path=document.path, line=line, name="question")
        if case.question and case.conversation:
            raise BadInput("eval_case_questions", **place)
        expects = bool(case.expected or case.answers or case.key_facts or case.passages)
        if case.answerable and not expects and not case.must_not:
            raise BadInput("eval_case_empty", **place)
        if expects and not case.answerable:
            raise BadInput("eval_case_contradiction", **place)


def _case(document: Document, n: int, raw: CaseForm, notes: Notes) -> Case:
    *earlier, question = raw.conversation or (raw.question or "",)

    def places(key: str, forms: Sequence[PassageForm]) -> tuple[ExpectedPassage, ...]:
        return tuple(_passage(document, ("cases", n, key, m), form, notes) for m, form in enumerate(forms))

    return Case(
        id=raw.id,
        question=question,
        earlier=tuple(earlier),
        language=raw.language or "",
        tags=raw.tags,
        answerable=raw.answerable,
        expected=raw.expected,
        answers=raw.answers,
        must_not=raw.must_not,
        key_facts=tuple(
            KeyFact(any_of=(fact,))
            if isinstance(fact, str)
            else KeyFact(any_of=fact.any_of, vital=fact.vital)
            for fact in raw.key_facts
        ),
        passages=places("passages", raw.passages),
        relevant=places("relevant", raw.relevant),
        must_pass=raw.must_pass,
    )


def _passage(document: Document, location: Location, raw: PassageForm, notes: Notes) -> ExpectedPassage:
    place: dict[str, Any] = {"path": document.path, "source": raw.source}
    line = document.line((*location, "source"))
    note = notes.get(raw.source)
    if note is None:
        raise BadInput("eval_note", **place, line=line)
    if not note.lines:
        raise BadInput("eval_note_unread", **place, line=line, reason="not UTF-8 text")
    lines = note.lines_with(raw.text) if raw.text else tuple(range(1, len(note.lines) + 1))
    if not lines:
        raise BadInput("eval_passage", **place, line=document.line((*location, "text")), text=short(raw.text))
    return ExpectedPassage(source=raw.source, text=raw.text or "", lines=lines, grade=raw.grade)


def _gate(document: Document, n: int, raw: GateForm, part: Part) -> Gate:
    line = document.line(("gates", n, "metric"))
    place: dict[str, Any] = {"path": document.path, "line": line}
    means = (raw.min_mean, raw.max_mean, raw.max_drop)
    if raw.metric is None and (raw.max_p95_ms is None or any(mean is not None for mean in means)):
        raise BadInput("eval_key_missing", path=document.path, line=line, name="metric")
    metric = raw.metric or "latency_p95"
    if metric in OF_A_JUDGE and metric not in METRICS:
        raise BadInput("eval_gate_no_judge", **place, metric=metric)
    if metric not in METRICS:
        known = list(METRICS)
        raise BadInput(
            "eval_metric", **place, metric=metric, nearest=nearest(metric, known), known=", ".join(known)
        )
    if METRICS[metric].judged and not raw.judge:
        raise BadInput("eval_gate_judge", **place, metric=metric)
    if METRICS[metric].needs not in (None, *OFFERS[part]):
        raise BadInput("eval_gate_part", **place, metric=metric, part=part)
    gate = Gate(
        metric=metric,
        min_mean=raw.min_mean,
        max_mean=raw.max_mean,
        max_drop=raw.max_drop,
        too_few_cases=raw.too_few_cases,
        max_p95_ms=raw.max_p95_ms,
    )
    if not gate.bounds:
        raise BadInput("eval_gate_empty", **place, metric=metric)
    return gate
