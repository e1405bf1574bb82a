from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app.tracing import NoTracer
from ingest.search import HybridRetriever
from ingest.store import Store
from ingest.sync import Ingest
from terakoya.protocols import Answerer, Retriever
from terakoya.text.analyser import Analyser
from terakoya.types import Draft, Passage
from tests.workflows.mendel import BEANS, PEAS
from workflows.extractive import ExtractiveAnswerer
from workflows.nodes import Parts
from workflows.testing import ScriptedRetriever


@pytest.fixture
def taken_in(tmp_path: Path, analyser: Analyser) -> Iterator[Callable[..., HybridRetriever]]:
    """A retriever over notes that were read from real files, by their path."""
    with ExitStack() as stack:

        def take_in(notes: dict[str, str]) -> HybridRetriever:
            folder = tmp_path / f"notes{len(list(tmp_path.iterdir()))}"
            for path, text in notes.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
            store = stack.enter_context(Store(tmp_path / f"{folder.name}.duckdb", read_only=False))
            Ingest(store, analyser, None, max_bytes=2**20).run([folder])
            return HybridRetriever(store, analyser, None)

        yield take_in


@pytest.fixture
def read(taken_in) -> Callable[[str], list[Passage]]:
    """The passages of one note, in reading order."""

    def passages(text: str) -> list[Passage]:
        retriever = taken_in({"note.md": text})
        return retriever.passages(
            [key for (key,) in retriever._store.rows("SELECT key FROM chunks ORDER BY ordinal")]
        )

    return passages


@pytest.fixture
def extract(taken_in, analyser: Analyser) -> Callable[..., Draft]:
    """Asks the extractive answerer about a note, over a real search."""

    def asked(question: str, note: str | dict[str, str]) -> Draft:
        retriever = taken_in(note if isinstance(note, dict) else {"note.md": note})
        passages = [hit.passage for hit in retriever.search(question, k=6).hits]
        pieces: list[str] = []
        draft = ExtractiveAnswerer(analyser).answer(question, passages, emit=pieces.append)
        assert "".join(pieces) == draft.text
        for c in draft.citations:
            of = next(p for p in passages if p.id == c.passage_id)
            assert c.quote in of.text
        return draft

    return asked


@pytest.fixture
def parts(analyser: Analyser) -> Callable[..., Parts]:
    def made(retriever: Retriever, *answerers: Answerer, **other: Any) -> Parts:
        given = {"tracer": NoTracer(), "passages": 6, **other}
        return Parts(retriever=retriever, answerers=answerers, analyser=analyser, **given)

    return made


@pytest.fixture
def retriever() -> ScriptedRetriever:
    return ScriptedRetriever(known=[PEAS, BEANS])
