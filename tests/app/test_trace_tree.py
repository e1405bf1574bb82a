"""The tree of a question through the whole product: each step under its own, each of the right kind."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.installation import Installation
from app.settings import Settings
from app.tracing import SpanRecord, read_trace
from app.wiring import open_installation
from tests.gguf import tiny_gguf
from tests.ingest.test_vectors import HashingEmbedder

CONTEXT = 4096
KINDS = {
    "ask": "agent",
    "retrieve": "chain",
    "search": "retriever",
    "embed": "embedding",
    "answer": "generation",
    "reading": "span",
    "writing": "span",
    "suspicions": "guardrail",
}


@pytest.fixture
def opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path | None], Installation]]:
    for name in os.environ:
        if name.startswith(("TERAKOYA_", "LANGFUSE_")):
            monkeypatch.delenv(name)
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text(
        "# Tea\n\nGreen tea is brewed at 80 C.\n\n# Coffee\n\nCoffee is roasted.\n", encoding="utf-8"
    )
    made: list[Installation] = []

    def open_with(model: Path | None) -> Installation:
        settings = Settings(
            home=tmp_path / "home",
            embedder="none",
            model=str(model) if model else "none",
            context_tokens=CONTEXT,
            max_answer_tokens=32,
        )
        made.append(open_installation(settings, write=True))
        made[-1].wiring.__dict__["embedder"] = HashingEmbedder()
        made[-1].ingest([notes])
        return made[-1]

    yield open_with
    for each in made:
        each.close()


def spans(installation: Installation, trace_id: str) -> list[SpanRecord]:
    installation.close()
    read = read_trace(installation.settings.traces_path, trace_id)
    return [one for one in read if isinstance(one, SpanRecord)]


def way(found: list[SpanRecord], name: str) -> list[str]:
    """Names from the root to a step."""
    known = {one.span_id: one for one in found}
    step = next(one for one in reversed(found) if one.name == name)
    names = [step.name]
    while step.parent_id:
        step = known[step.parent_id]
        names.append(step.name)
    return names[::-1]


def test_a_question_to_a_model_has_every_step_under_one_root(
    opened: Callable[[Path | None], Installation], tmp_path: Path
) -> None:
    installation = opened(tiny_gguf(tmp_path / "tiny.gguf", context=CONTEXT, reply="Tea [1]."))
    model = installation.wiring.models.choices[0].name
    outcome = installation.ask("How hot is green tea?", thread_id=None)
    found = spans(installation, outcome.trace_id)
    assert sum(not one.parent_id for one in found) == 1
    kinds = {(one.name, one.kind) for one in found}
    assert kinds >= set(KINDS.items())
    assert way(found, "embed") == ["ask", "retrieve", "search", "embed"]
    assert way(found, "reading") == ["ask", "answer", model, "answer", "reading"]
    embedded = next(one for one in found if one.name == "embed")
    assert (embedded.model, embedded.metadata, embedded.input) == (
        "hashing",
        {"dimensions": 64},
        "How hot is green tea?",
    )
    call = next(one for one in found if one.kind == "generation")
    assert call.metadata["prompt"]["name"] == "answer"
    assert {"version", "hash", "source"} <= call.metadata["prompt"].keys()
    assert "80 C" in str(call.input), "what the model read, not what was asked alone"
    assert call.usage["input"] > call.usage["output"] > 0
    usage = [one for one in found if one.usage]
    assert usage == [one for one in found if one.kind == "generation"], "tokens are counted once"


def test_an_answer_without_a_model_has_no_generation(
    opened: Callable[[Path | None], Installation],
) -> None:
    installation = opened(None)
    outcome = installation.ask("How hot is green tea?", thread_id=None)
    assert outcome.answered
    found = spans(installation, outcome.trace_id)
    assert {one.name: one.kind for one in found}["extractive"] == "span"
    assert not [one for one in found if one.kind == "generation"]
