"""From a thumb to a case of the home's own suite, with a real store and real threads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.installation import Installation
from app.settings import Settings
from app.wiring import open_installation
from evals.suite import load_suite
from terakoya.api import CaseRequest, FeedbackRequest
from terakoya.errors import BadInput, NotFound

TEA = "# Tea\n\n## Green tea\n\nGreen tea is brewed at 80 C.\n\n## 玉露\n\n玉露は 50 度で淹れる。\n"
COFFEE = "# Coffee\n\nFirst crack begins at 196 C.\n"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text(TEA, encoding="utf-8")
    opened = open_installation(Settings(home=tmp_path / "home", embedder="none"), write=True)
    opened.ingest([notes])
    yield opened
    opened.close()


def complain(installation: Installation, question: str, thread_id: str | None = None) -> str:
    outcome = installation.ask(question, thread_id=thread_id)
    installation.feedback(FeedbackRequest(trace_id=outcome.trace_id, value=0))
    return outcome.trace_id


def test_a_draft_names_the_lines_that_may_answer_and_those_that_did_last(installation: Installation) -> None:
    draft = installation.case_draft(complain(installation, "玉露は何度で淹れる？"))
    assert (draft.question, draft.earlier) == ("玉露は何度で淹れる？", [])
    assert {place.place: place.text for place in draft.places}["tea.md:9"] == "玉露は 50 度で淹れる。"
    assert [place.cited for place in draft.places] == sorted(place.cited for place in draft.places)
    assert draft.places[-1].cited


def test_a_case_begins_the_suite_and_the_next_one_is_added(installation: Installation) -> None:
    first = installation.make_case(
        complain(installation, "玉露は何度で淹れる？"), CaseRequest(passages=["tea.md:9"], expected=["50 度"])
    )
    second = installation.make_case(complain(installation, "Who drinks tea?"), CaseRequest(unanswerable=True))
    path = installation.settings.suites_path / "complaints.yaml"
    assert (first.path, first.suite, second.suite) == (str(path), "complaints", "complaints")
    suite = load_suite(path)
    assert [case.id for case in suite.cases] == [first.case, second.case]
    assert [(p.source, p.lines) for p in suite.cases[0].passages] == [("tea.md", (9,))]
    assert path.read_text(encoding="utf-8").splitlines()[second.line - 1].strip() == f"- id: {second.case}"


def test_the_same_complaint_twice_is_one_case(installation: Installation) -> None:
    trace = complain(installation, "Who drinks tea?")
    made = [installation.make_case(trace, CaseRequest(unanswerable=True)) for _ in range(2)]
    assert [case.line > 0 for case in made] == [True, False]


def test_a_follow_up_becomes_a_conversation(installation: Installation) -> None:
    thread = installation.ask("How hot is green tea?").thread_id
    made = installation.make_case(
        complain(installation, "And who drinks it?", thread), CaseRequest(unanswerable=True)
    )
    (case,) = load_suite(Path(made.path)).cases
    assert (case.earlier, case.question) == (("How hot is green tea?",), "And who drinks it?")


def test_each_of_several_folders_has_a_suite_of_its_own(installation: Installation, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "coffee.md").write_text(COFFEE, encoding="utf-8")
    installation.ingest([other])
    trace = complain(installation, "At what temperature does first crack begin?")
    places = [place.place for place in installation.case_draft(trace).places]
    assert "other/coffee.md:3" in places
    made = installation.make_case(trace, CaseRequest(passages=["other/coffee.md:3"]))
    assert Path(made.path).name == "complaints-other.yaml"
    assert load_suite(Path(made.path)).cases[0].passages[0].source == "coffee.md"


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (CaseRequest(), "feedback_expects"),
        (CaseRequest(unanswerable=True, expected=["x"]), "feedback_expects"),
        (CaseRequest(passages=["nothing.md:1"]), "feedback_passage"),
        (CaseRequest(passages=["tea.md:99"]), "feedback_line"),
    ],
)
def test_what_cannot_be_a_case_is_told_and_leaves_no_file(
    installation: Installation, request_: CaseRequest, key: str
) -> None:
    trace = complain(installation, "Who drinks tea?")
    with pytest.raises(BadInput) as raised:
        installation.make_case(trace, request_)
    assert raised.value.key == key
    assert not (installation.settings.suites_path / "complaints.yaml").exists()


def test_an_answer_without_a_thumb_makes_no_case(installation: Installation) -> None:
    with pytest.raises(NotFound):
        installation.case_draft(installation.ask("Who drinks tea?").trace_id)
