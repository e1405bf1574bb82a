import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.suite import load_suite
from evals.suite_file import add_case, change_case, read_cases
from terakoya.errors import BadInput

HEAD = "name: s\nnotes: notes\n"
NEW = {"id": "new", "question": "What is # this: [x]?", "expected": ["a, b"], "language": "en"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("Tea is hot\n", encoding="utf-8")

    def write(content: str, name: str = "s.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return write


LAYOUTS = {
    "not indented": "cases:\n- id: a\n  question: Q\n  expected: [x]\n",
    "indented": "cases:\n    - id: a\n      question: Q\n      expected:\n        - x\n\n# behind\n",
    "no last break": "cases:\n  - id: a\n    question: Q\n    expected: [x] # why",
    "flow cases": "cases: [{id: a, question: Q, expected: [x]}]\n",
    "flow on lines": "cases: [\n  {id: a, question: Q, expected: [x]},\n]\n",
    "flow case": "cases:\n  - {id: a, question: Q, expected: [x]}\n",
    "literal": "cases:\n  - id: a\n    expected: [x]\n    question: |\n      Q\n      R\n",
    "before other keys": "cases:\n  - id: a\n    question: Q\n    expected: [x]\n\n# gates\ngates:\n  - {max_p95_ms: 9}\n",
    "windows": "cases:\r\n  - id: a\r\n    question: Q\r\n    expected: [x]\r\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_case_is_added_in_the_layout_of_the_file(write: Write, layout: str) -> None:
    path = write(HEAD + LAYOUTS[layout])
    former = path.read_bytes()
    line = add_case(path, NEW)
    assert [case.id for case in load_suite(path).cases] == ["a", "new"]
    assert read_cases(path)["new"] == {key: value for key, value in NEW.items() if key != "id"}
    content = path.read_bytes()
    assert b"new" in content.splitlines()[line - 1]
    kept = content.replace(b"\r\n", b"\n").decode()
    assert all(each in kept for each in former.replace(b"\r\n", b"\n").decode().rstrip("]\n").splitlines())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_case_is_changed_and_nothing_else(write: Write, layout: str) -> None:
    path = write(HEAD + LAYOUTS[layout])
    add_case(path, NEW)
    change_case(path, {"id": "a", "question": "Other?", "expected": ["y"]})
    assert [(case.id, case.question) for case in load_suite(path).cases] == [
        ("a", "Other?"),
        ("new", NEW["question"]),
    ]


def test_json_lines_get_a_line(write: Write) -> None:
    head = json.dumps({"name": "s", "notes": "notes"})
    path = write(f"{head}\n\n{json.dumps({'id': 'a', 'question': 'Q', 'expected': ['x']})}\n", "s.jsonl")
    assert add_case(path, NEW) == 4
    change_case(path, {"id": "a", "question": "Other?", "expected": ["y"]})
    assert [case.question for case in load_suite(path).cases] == ["Other?", NEW["question"]]


@pytest.mark.parametrize(
    "case",
    [
        {"id": "a", "question": "Again?", "expected": ["x"]},
        {"id": "b", "question": "Nothing?"},
        {"id": "b", "question": "Where?", "passages": [{"source": "b.md"}]},
        {"id": "b", "question": "Odd?", "expected": ["x"], "unknown": "y"},
    ],
)
def test_a_case_that_would_break_the_suite_leaves_it_as_it_is(write: Write, case: dict[str, Any]) -> None:
    path = write(HEAD + LAYOUTS["indented"])
    former = path.read_bytes()
    with pytest.raises(BadInput) as caught:
        add_case(path, case)
    assert caught.value.values["path"] == path
    assert path.read_bytes() == former
    assert {each.name for each in path.parent.iterdir()} == {"s.yaml", "notes"}


def test_a_case_that_is_not_there_cannot_be_changed(write: Write) -> None:
    with pytest.raises(BadInput, match="no case `b`"):
        change_case(write(HEAD + LAYOUTS["indented"]), {"id": "b", "question": "Q"})


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40).map(lambda text: f"x{text}x")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=TEXTS, expected=st.lists(TEXTS, min_size=1, max_size=3))
def test_any_text_comes_back_as_it_went_in(write: Write, question: str, expected: list[str]) -> None:
    for layout in ("indented", "flow cases"):
        path = write(HEAD + LAYOUTS[layout])
        add_case(path, {"id": "new", "question": question, "expected": expected})
        case = read_cases(path)["new"]
        assert (case["question"], case["expected"]) == (question, expected)
