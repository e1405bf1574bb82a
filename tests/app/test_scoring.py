import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.scoring import AnswerScores, scores_of
from app.settings import Settings
from app.tracing import ScoreRecord, make_tracer, read_trace
from app.wiring import open_installation
from terakoya.text.analyser import Analyser
from terakoya.types import Citation, Outcome

ANALYSER = Analyser()
TRACE = "ab" * 16


def citation(marker: int, quote: str) -> Citation:
    return Citation(
        marker=marker,
        passage_id="p",
        source="a.md",
        heading=("Genetics",),
        start_line=1,
        end_line=1,
        start=0,
        end=len(quote),
        quote=quote,
    )


QUOTES = (
    citation(1, "Mendel grew 28,000 pea plants in Brno."),
    citation(2, "葉緑体は光合成を行う。"),
)


def outcome(answer: str, *, answered: bool = True, citations: tuple[Citation, ...] = QUOTES) -> Outcome:
    return Outcome(
        question="?",
        answer=answer,
        answered=answered,
        citations=citations,
        model="m",
        effort="normal",
        thread_id="t",
        trace_id=TRACE,
        timings={"total": 12.5},
    )


@pytest.mark.parametrize(
    ("answer", "support", "groundedness"),
    [
        ("Mendel grew pea plants. [1] 葉緑体は光合成を行う。[2]", 1.0, 1.0),
        ("Mendel grew pea plants. [2]", 0.0, 1.0),
        ("Mendel grew pea plants.", 0.0, 1.0),
        ("Mendel grew 29,000 pea plants in Brno. [1]", 0.0, 0.0),
        ("葉緑体は光合成を行う。[2] He also invented the telephone. [1]", 0.5, 0.5),
        ("From your notes:\n\n- Mendel grew pea plants\n- in Brno [1]", 1.0, 1.0),
    ],
)
def test_a_sentence_is_held_against_the_quotes_of_its_marks(
    answer: str, support: float, groundedness: float
) -> None:
    scores = scores_of(outcome(answer), ANALYSER)
    assert (scores["citation_support"], scores["groundedness"]) == (support, groundedness)
    assert (scores["abstained"], scores["latency_ms"]) == (0.0, 12.5)


def test_where_nothing_is_answered_only_that_and_the_time_are_scored() -> None:
    assert scores_of(outcome("…", answered=False), ANALYSER) == {"abstained": 1.0, "latency_ms": 12.5}


@pytest.mark.parametrize(
    ("model", "interrupted"), [("talk", False), ("memory", False), ("tools", False), ("", True)]
)
def test_what_was_not_asked_of_the_notes_is_no_abstention(model: str, interrupted: bool) -> None:
    said = replace(outcome("こんにちは", answered=False), model=model, interrupted=interrupted)
    assert scores_of(said, ANALYSER) == {"latency_ms": 12.5}


def test_close_scores_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    tracer = make_tracer(Settings(home=tmp_path), deliver=False)
    scores = AnswerScores(tracer, ANALYSER)
    for _ in range(5):
        scores.add(outcome("Mendel grew pea plants. [1]"))
    scores.close(30.0)
    scores.add(outcome("x", answered=False))
    tracer.close()
    found = {s.name: s.value for s in read_trace(tmp_path / "traces", TRACE) if isinstance(s, ScoreRecord)}
    assert found == {"latency_ms": 12.5, "abstained": 0.0, "citation_support": 1.0, "groundedness": 1.0}


def test_every_question_has_scores_on_its_trace_under_ids_of_their_own(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("# Tea\n\nGreen tea is brewed at 80 C.\n", encoding="utf-8")
    installation = open_installation(Settings(home=tmp_path / "home", embedder="none"), write=True)
    try:
        installation.ingest([notes])
        answered = installation.ask("How hot is green tea brewed?")
        declined = installation.ask("Who was Napoleon?")
        greeted = installation.ask("こんにちは")
        assert (answered.answered, declined.answered) == (True, False)
    finally:
        installation.close()
    lines = [
        json.loads(line)
        for path in (tmp_path / "home" / "traces").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    scores = {(line["trace_id"], line["name"]): line for line in lines if line["type"] == "score"}
    assert {name for trace, name in scores if trace == answered.trace_id} == {
        "latency_ms",
        "abstained",
        "citation_support",
        "groundedness",
    }
    assert scores[answered.trace_id, "groundedness"]["value"] == 1.0
    assert scores[declined.trace_id, "abstained"]["value"] == 1.0
    assert {name for trace, name in scores if trace == greeted.trace_id} == {"latency_ms"}
    assert len({line["score_id"] for line in scores.values()}) == len(scores)
