from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals import load_suite, load_suites
from terakoya.errors import BadInput

Write = Callable[[str], Path]
HEAD = "name: s\nnotes: notes\ncases:\n"
GATE = "gates:\n  - metric: recall@5\n"
CASE = "  - id: a\n    question: q\n    answerable: false\n"


def test_a_suite_keeps_what_the_file_says(suite_path: Path) -> None:
    suite = load_suite(suite_path)
    first = suite.cases[0]
    assert (suite.name, len(suite.cases), len(suite.gates)) == ("small", 6, 8)
    assert (first.id, first.language, first.tags, first.expected) == (
        "index", "en", ("single-fact",), ("search faster",)
    )  # fmt: skip
    assert (suite.gates[0].metric, suite.gates[0].min_mean) == ("recall@5", 0.9)


def test_the_suite_of_the_sample_notes_is_in_order() -> None:
    suite = load_suite(Path(__file__).parents[2] / "evals" / "suites" / "sample-notes.yaml")
    assert len(suite.cases) >= 100
    assert suite.gates
    assert {case.answerable for case in suite.cases} == {True, False}
    assert {case.language for case in suite.cases} == {"en", "ja"}


def test_an_expected_passage_is_found_on_its_line_without_tags(suite_path: Path) -> None:
    assert load_suite(suite_path).cases[0].passages[0].lines == (3,)


def test_a_passage_that_stands_twice_counts_on_both_lines(write_suite: Write, tmp_path: Path) -> None:
    (tmp_path / "notes" / "twice.md").write_text("same words\n\nsame words\n")
    case = "  - {id: a, question: q, passages: [{source: twice.md, text: same words}]}\n"
    assert load_suite(write_suite(HEAD + case)).cases[0].passages[0].lines == (1, 3)


def test_scalars_mean_what_they_look_like(write_suite: Write) -> None:
    suite = load_suite(write_suite(HEAD + "  - {id: 007, question: no, expected: [1_000, 1e3, on]}\n"))
    assert (suite.cases[0].id, suite.cases[0].question) == ("007", "no")
    assert suite.cases[0].expected == ("1_000", "1e3", "on")


@pytest.mark.parametrize(
    ("content", "key", "line", "named"),
    [
        pytest.param(HEAD + CASE + "    tag: x\n", "eval_key", 7, "tag", id="unknown key of a case"),
        pytest.param("title: x\n" + HEAD + CASE, "eval_key", 1, "title", id="unknown key of the suite"),
        pytest.param(
            HEAD + "  - id: a\n    question: q\n    passages:\n      - {source: db.md, text: A, line: 3}\n",
            "eval_key", 7, "line", id="unknown key of a passage",
        ),
        pytest.param(HEAD + "  - id: a\n", "eval_key_missing", 4, "question", id="case without a question"),
        pytest.param("name: s\ncases:\n" + CASE, "eval_key_missing", 1, "notes", id="no note folder named"),
        pytest.param("name: s\nnotes: notes\ncases: []\n", "eval_suite_empty", 3, "", id="no cases"),
        pytest.param(HEAD + CASE + "    language: fr\n", "eval_value", 7, "fr", id="unknown language"),
        pytest.param(
            GATE.replace("call", "cal") + HEAD + CASE, "eval_metric", 2, "recal@5", id="metric"
        ),
        pytest.param(GATE + HEAD + CASE, "eval_gate_empty", 2, "recall@5", id="no bound"),
        pytest.param(
            GATE + "    min_mean: nan\n" + HEAD + CASE, "eval_value", 3, "nan", id="nan bound"
        ),
        pytest.param(
            GATE + "    max_drop: -1\n" + HEAD + CASE, "eval_value", 3, "-1", id="negative drop"
        ),
        pytest.param(HEAD + "  - id: a\n    question: q\n", "eval_case_empty", 4, "a", id="no expectation"),
        pytest.param(HEAD + CASE + "    expected: [x]\n", "eval_case_contradiction", 4, "a", id="both"),
        pytest.param(HEAD + CASE + CASE, "eval_case_twice", 7, "4", id="the same id twice"),
        pytest.param("name: s\nnotes: nowhere\ncases:\n" + CASE, "eval_notes", 2, "nowhere", id="folder"),
        pytest.param(
            HEAD + "  - {id: a, question: q, passages: [{source: no.md, text: x}]}\n",
            "eval_note", 4, "no.md", id="missing note",
        ),
        pytest.param(
            HEAD + "  - {id: a, question: q, passages: [{source: ../suite.yaml, text: x}]}\n",
            "eval_note", 4, "../suite.yaml", id="note outside the folder",
        ),
        pytest.param(
            HEAD + "  - id: a\n    question: q\n    passages:\n      - source: db.md\n        text: none\n",
            "eval_passage", 8, "none", id="passage that stands nowhere",
        ),
        pytest.param(
            HEAD + "  - {id: a, question: q, passages: [{source: db.md, text: <b>}]}\n",
            "eval_passage", 4, "<b>", id="passage that is nothing but a tag",
        ),
        pytest.param(HEAD + CASE + "    id: b\n", "eval_syntax", 7, "id", id="one key twice"),
        pytest.param(HEAD + "  - {id: a\n", "eval_syntax", 5, "", id="not YAML"),
        pytest.param("a: &a [x]\nb: *a\n", "eval_syntax", 2, "*a", id="alias"),
        pytest.param("a: &a [*a]\n", "eval_syntax", 1, "*a", id="alias of itself"),
        pytest.param("[" * 5000, "eval_syntax", 1, "", id="nested too deeply"),
        pytest.param("a: b\nc: \x07\n", "eval_syntax", 2, "", id="control character"),
        pytest.param("", "eval_value", 1, "", id="empty file"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_file_and_line(
    write_suite: Write, content: str, key: str, line: int, named: str
) -> None:
    path = write_suite(content)
    with pytest.raises(BadInput) as caught:
        load_suite(path)
    assert (caught.value.key, caught.value.values["line"], caught.value.exit_code) == (key, line, 2)
    for language in ("en", "ja"):
        assert str(path) in caught.value.message(language)
        assert named in caught.value.message(language)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.yaml"):
        load_suite(tmp_path / "nothing.yaml")


def test_a_suite_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(b"name: s\nnotes: " + "ノート".encode("shift_jis"))
    with pytest.raises(BadInput) as caught:
        load_suite(path)
    assert caught.value.values["line"] == 2


def test_two_suites_of_one_name_are_refused(suite_path: Path) -> None:
    with pytest.raises(BadInput, match="small"):
        load_suites([suite_path, suite_path])


def test_a_note_that_is_not_utf8_cannot_hold_an_expected_passage(write_suite: Write, tmp_path: Path) -> None:
    (tmp_path / "notes" / "old.md").write_bytes("日本語".encode("shift_jis"))
    with pytest.raises(BadInput) as caught:
        load_suite(write_suite(HEAD + "  - {id: a, question: q, passages: [{source: old.md, text: 日本}]}\n"))
    assert caught.value.key == "eval_note_unread"


def test_the_digest_follows_cases_and_notes_and_nothing_else(write_suite: Write, tmp_path: Path) -> None:
    before = load_suite(write_suite(HEAD + CASE)).digest
    assert load_suite(write_suite("description: words\n# and more\n" + HEAD + CASE)).digest == before
    assert load_suite(write_suite("gates: [{metric: correct, min_mean: 1}]\n" + HEAD + CASE)).digest == before
    assert load_suite(write_suite(HEAD + CASE.replace("question: q", "question: p"))).digest != before
    (tmp_path / "notes" / "db.md").write_text("changed")
    assert load_suite(write_suite(HEAD + CASE)).digest != before


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.text(alphabet="ab: -[]{}&*!|>'\"#\n\t%@,?\u3042\x00\ud800", max_size=40))
def test_any_text_is_read_or_refused_as_bad_input(tmp_path: Path, content: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadInput):
        load_suite(path)
