"""The suite of a home whose cases its thumbs become: a draft of a case, and the case."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.feedback import the_one
from app.langfuse.project import configured
from app.promoting import promote, put_into_dataset
from app.tracing.factory import outward_masker
from evals.note import Note, read_note
from terakoya.api import CaseDraft, CaseMade, CaseRequest, FeedbackItem, PlaceModel
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from terakoya.text.marking import Marker
from terakoya.types import Passage

if TYPE_CHECKING:
    from app.installation import Installation

NAME: Final = "complaints"
_FOUND: Final = 8
_PLACES: Final = 6
_LINE: Final = 200
_MAKING: Final = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Root:
    path: Path
    name: str
    inside: str  # what a source in it begins with


class Complaints:
    """Makes cases of the thumbs of one installation."""

    def __init__(self, installation: "Installation") -> None:
        self._installation = installation
        store = installation.wiring.store
        rows = store.rows("SELECT path, name FROM roots ORDER BY id")
        self._roots = [
            _Root(path=Path(path), name=name, inside=f"{name}/" if len(rows) > 1 else "")
            for path, name in rows
        ]

    def draft(self, trace_id: str) -> CaseDraft:
        """What is known of a case before a person says what a good answer is.

        Raises:
            NotFound: There is no thumb on this trace.
        """
        item = self._item(trace_id)
        places = self._places(item) if item.question else []
        return CaseDraft(question=item.question, earlier=item.earlier, places=places)

    def make(self, trace_id: str, request: CaseRequest) -> CaseMade:
        """Makes the case, and an item in Langfuse where it is configured.

        Raises:
            NotFound: There is no thumb on this trace.
            BadInput: Nothing is expected, or a passage is not there.
            Unavailable: There are no notes to ask about.
        """
        item = self._item(trace_id)
        if not self._roots:
            raise Unavailable("store_empty")
        root = self._root_of(request.passages[0]) if request.passages else self._roots[0]
        path = self.path(root)
        with _MAKING:
            made = promote(
                item,
                path,
                expected=request.expected,
                passages=[place.removeprefix(root.inside) for place in request.passages],
                unanswerable=request.unanswerable,
                must_pass=request.must_pass,
                notes=root.path,
            )
        account = configured(self._installation.settings)
        later = ""
        if account:
            try:
                masker = outward_masker(self._installation.settings)
                put_into_dataset(account, path, made, item.trace_id, masker)
            except TerakoyaError as error:
                later = error.message()
        return CaseMade(
            case=made.case,
            suite=made.suite,
            path=str(path),
            line=made.line,
            langfuse=bool(account) and not later,
            later=later,
        )

    def path(self, root: _Root) -> Path:
        """The suite file of a root of notes."""
        name = f"{NAME}-{root.name}" if root.inside else NAME
        return self._installation.settings.suites_path / f"{name}.yaml"

    def _item(self, trace_id: str) -> FeedbackItem:
        return the_one(self._installation.feedback_given(), trace_id)

    def _root_of(self, place: str) -> _Root:
        for root in self._roots:
            if place.startswith(root.inside):
                return root
        raise BadInput("feedback_passage", place=place, folder=self._roots[0].path, near=self._roots[0].name)

    def _places(self, item: FeedbackItem) -> list[PlaceModel]:
        """Lines of the notes that may answer, the likeliest first; those that the answer stood on come last."""
        try:
            hits = self._installation.search(item.question, k=_FOUND).hits
        except (BadInput, Unavailable):
            return []
        marker = Marker(item.question, self._installation.wiring.analyser)
        # Far behind the best stands what shares a few words with the question.
        passages = [hit.passage for hit in hits if hit.score >= hits[0].score / 2]
        cited = {(c.source, line) for c in item.citations for line in range(c.start_line, c.end_line + 1)}
        found: list[PlaceModel] = []
        for passage in passages:
            if (line := _likeliest(passage, marker)) and self._stands(passage.source, line[1]):
                number, words = line
                found.append(
                    PlaceModel(
                        place=f"{passage.source}:{number}",
                        text=words[:_LINE],
                        cited=(passage.source, number) in cited,
                    )
                )
        return sorted(found, key=lambda place: place.cited)[:_PLACES]

    def _stands(self, source: str, words: str) -> bool:
        """Whether an eval reads this line in the file: not in one of another format."""
        root = next((root for root in self._roots if source.startswith(root.inside)), None)
        if root is None:
            return False
        try:
            text = read_note(root.path / source.removeprefix(root.inside))
        except OSError:
            return False
        return text is not None and bool(Note.of(source, text).lines_with(words))


def _likeliest(passage: Passage, marker: Marker) -> tuple[int, str] | None:
    """Number and words of the line that holds most of what is asked, of those that hold any; a heading last."""

    def weight(entry: tuple[int, str]) -> tuple[bool, int]:
        return not entry[1].startswith("#"), _asked(entry[1], marker)

    lines: Sequence[tuple[int, str]] = [
        (number, line.strip())
        for number, line in enumerate(passage.text.split("\n"), passage.start_line)
        if _asked(line, marker)
    ]
    return max(lines, key=weight, default=None)


def _asked(line: str, marker: Marker) -> int:
    """Characters of a line that the question has too."""
    return sum(end - start for start, end in marker.marks(line))
