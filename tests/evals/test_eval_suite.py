import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evals import Suite, load_suite, load_suites
from evals.schema import suite_schema
from terakoya.errors import BadInput
from tests.evals.conftest import SUITE

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


SUITES = Path(__file__).parents[2] / "evals" / "suites"
KINDS = {"single-fact", "list", "comparison", "multi-part", "follow-up", "cross-language", "table", "log"}


def tags(suite: Suite) -> set[str]:
    return {tag for case in suite.cases for tag in case.tags}


def test_the_suite_of_the_sample_notes_asks_every_kind_of_question() -> None:
    suite = load_suite(SUITES / "sample-notes.yaml")
    assert len(suite.cases) >= 200
    assert sum(not case.answerable for case in suite.cases) >= 60
    assert tags(suite) >= KINDS | {"near-miss", "other-subject"}
    assert {case.language for case in suite.cases} == {"en", "ja"}
    assert suite.gates


def test_the_suite_with_lines_taken_out_asks_for_them_and_for_what_stands_beside_them() -> None:
    suite = load_suite(SUITES / "sample-notes-cut.yaml")
    assert len(suite.without) >= 30
    assert tags(suite) == {"taken-out", "kept"}
    assert all(case.answerable == ("kept" in case.tags) for case in suite.cases)


def test_the_suite_that_is_held_back_has_notes_and_questions_of_its_own() -> None:
    held, sample = load_suite(SUITES / "held-back.yaml"), load_suite(SUITES / "sample-notes.yaml")
    assert len(held.cases) >= 60
    assert sum(not case.answerable for case in held.cases) >= 15
    assert tags(held) >= KINDS
    assert {case.question for case in held.cases}.isdisjoint(case.question for case in sample.cases)
    assert {note.lines for note in held.notes.values()}.isdisjoint(n.lines for n in sample.notes.values())


@pytest.mark.parametrize("name", ["sample-notes", "sample-notes-cut", "held-back"])
def test_every_expected_text_stands_on_a_line_that_the_case_expects(name: str) -> None:
    suite = load_suite(SUITES / f"{name}.yaml")
    for case in suite.cases:
        lines = tuple(suite.notes[p.source].lines[n - 1] for p in case.passages for n in p.lines)
        assert case.missing("", lines) == (), case.id


def test_the_schema_beside_the_suites_is_that_of_the_reader() -> None:
    assert (SUITES / "suite.schema.json").read_text(encoding="utf-8") == suite_schema()


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_accepts_the_suites(path: Path) -> None:
    document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    for case in document["cases"]:
        case |= {key: case[key] == "true" for key in case.keys() & {"answerable", "must_pass"}}
    for gate in document["gates"]:
        gate |= {key: float(gate[key]) for key in gate.keys() - {"metric", "too_few_cases"}}
    Draft202012Validator(json.loads(suite_schema())).validate(document)


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    schema = Draft202012Validator(json.loads(suite_schema()))
    assert not schema.is_valid({"name": "s", "notes": "n", "cases": [{"id": "a", "tag": ["x"]}]})
    assert not schema.is_valid({"name": "s", "cases": []})


def test_a_conversation_ends_with_the_question(write_suite: Write) -> None:
    case = '  - {id: a, conversation: ["What is TCP?", "And UDP?"], expected: [does not]}\n'
    loaded = load_suite(write_suite(HEAD + case)).cases[0]
    assert (loaded.earlier, loaded.question) == (("What is TCP?",), "And UDP?")


def test_key_facts_are_texts_or_ways_to_say_them(write_suite: Write) -> None:
    facts = "[keeps the order, {any_of: [no order, unordered], vital: false}]"
    loaded = load_suite(write_suite(HEAD + f"  - {{id: a, question: q, key_facts: {facts}}}\n")).cases[0]
    assert [(fact.any_of, fact.vital) for fact in loaded.key_facts] == [
        (("keeps the order",), True), (("no order", "unordered"), False)
    ]  # fmt: skip
    assert [fact.stands_in(("UDP is Un Ordered",)) for fact in loaded.key_facts] == [False, True]


def test_a_passage_without_text_is_the_whole_note(write_suite: Write) -> None:
    case = "  - {id: a, question: q, passages: [{source: db.md, grade: 2}]}\n"
    passage = load_suite(write_suite(HEAD + case)).cases[0].passages[0]
    assert (passage.lines, passage.grade, passage.text) == (tuple(range(1, 7)), 2, "")


def test_what_must_not_be_said_is_an_expectation(write_suite: Write) -> None:
    loaded = load_suite(write_suite(HEAD + "  - {id: a, question: q, must_not: [secret]}\n")).cases[0]
    assert loaded.forbidden("A SE cret", ()) == ("secret",)
    assert loaded.forbidden("", ("no",)) == ()


REPEATED = "name: s\nnotes: notes\nrepeats: 3\ncases:\n"


def test_a_suite_for_models_that_sample_asks_each_case_several_times(write_suite: Write) -> None:
    sun = "  - {id: sun, question: q, answerable: false, must_pass: true}\n"
    suite = load_suite(write_suite(REPEATED + sun + CASE))
    assert [case.id for case in suite.cases] == ["sun", "sun#2", "sun#3", "a", "a#2", "a#3"]
    assert [case.repeat for case in suite.cases] == [1, 2, 3] * 2
    assert {case.cluster for case in suite.cases} == {"case:sun", "case:a"}
    assert suite.gates[-1].must_pass == ("sun", "sun#2", "sun#3")


def test_the_name_of_a_repeat_is_taken(write_suite: Write) -> None:
    with pytest.raises(BadInput) as caught:
        load_suite(write_suite(REPEATED + CASE.replace("id: a", 'id: "a#2"') + CASE))
    assert (caught.value.key, caught.value.values["id"]) == ("eval_case_twice", "a#2")


TAKEN = "name: s\nnotes: notes\nwithout: [{source: db.md, text: A view is}]\ncases:\n"


def test_a_line_that_is_taken_out_is_gone_from_the_notes(write_suite: Write, tmp_path: Path) -> None:
    after = "  - {id: a, question: q, passages: [{source: db.md, text: ビューは}]}\n"
    suite = load_suite(write_suite(TAKEN + after))
    assert suite.cases[0].passages[0].lines == (4,)
    assert suite.notes_digest != load_suite(write_suite(HEAD + after)).notes_digest
    suite.write_notes(tmp_path / "copy")
    for source in ("db.md", "net.md"):
        original = (tmp_path / "notes" / source).read_text(encoding="utf-8")
        wanted = "".join(line for line in original.splitlines(True) if "A view" not in line)
        assert (tmp_path / "copy" / source).read_text(encoding="utf-8") == wanted


def test_a_line_that_is_taken_out_cannot_be_expected(write_suite: Write) -> None:
    case = "  - {id: a, question: q, passages: [{source: db.md, text: A view is}]}\n"
    with pytest.raises(BadInput) as caught:
        load_suite(write_suite(TAKEN + case))
    assert caught.value.key == "eval_passage"


def test_json_lines_hold_the_same_suite(write_suite: Write, tmp_path: Path) -> None:
    suite = load_suite(write_suite(SUITE))
    document = yaml.load(SUITE, yaml.BaseLoader)
    cases = document.pop("cases")
    for case in cases:
        if "answerable" in case:
            case["answerable"] = False
    path = tmp_path / "suite.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in (document, *cases)), encoding="utf-8")
    loaded = load_suite(path)
    assert (loaded.cases, loaded.gates, loaded.digest) == (suite.cases, suite.gates, suite.digest)


JSON_HEAD = '{"name": "s", "notes": "notes"}\n'


@pytest.mark.parametrize(
    ("content", "key", "line"),
    [
        pytest.param("{\n", "eval_syntax", 1, id="not JSON"),
        pytest.param("[]\n", "eval_syntax", 1, id="no object"),
        pytest.param(JSON_HEAD + '\n{"id": "a", "id": "b"}\n', "eval_syntax", 3, id="one key twice"),
        pytest.param(
            JSON_HEAD + '{"id": "a", "question": "q"}\n', "eval_case_empty", 2, id="expects nothing"
        ),
        pytest.param(JSON_HEAD + '{"id": "a", "quest": "q"}\n', "eval_key", 2, id="unknown key"),
        pytest.param(
            '{"name": "s", "notes": "notes", "cases": []}\n', "eval_syntax", 1, id="cases in the head"
        ),
        pytest.param(JSON_HEAD, "eval_suite_empty", 1, id="no case"),
        pytest.param(JSON_HEAD + "[" * 100_000, "eval_syntax", 2, id="nested too deeply"),
        pytest.param("", "eval_form", 1, id="empty file"),
    ],
)
def test_json_lines_are_refused_with_their_line(
    write_suite: Write, tmp_path: Path, content: str, key: str, line: int
) -> None:
    write_suite("")
    path = tmp_path / "suite.jsonl"
    path.write_text(content)
    with pytest.raises(BadInput) as caught:
        load_suite(path)
    assert (caught.value.key, caught.value.values["line"]) == (key, line)


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
        pytest.param(HEAD + CASE + "    tag: x\n", "eval_key", 7, "`tags`", id="unknown key of a case"),
        pytest.param(
            GATE + "    max_dorp: 1\n" + HEAD + CASE, "eval_key", 3, "`max_drop`", id="unknown key of a gate"
        ),
        pytest.param(
            "without: [{source: db.md, txt: A}]\n" + HEAD + CASE, "eval_key", 1, "`text`",
            id="unknown key of what is taken out",
        ),
        pytest.param(GATE.replace("metric: recall@5", "min_mean: 1") + HEAD + CASE, "eval_key_missing", 2,
            "metric", id="gate without a metric"),
        pytest.param(
            HEAD + CASE + "    conversation: [p, q]\n", "eval_case_questions", 4, "a", id="two kinds of question"
        ),
        pytest.param(HEAD + CASE + "    key_facts: [{any: [x]}]\n", "eval_key", 7, "any_of", id="key fact"),
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
            GATE.replace("call", "cal") + HEAD + CASE, "eval_metric", 2, "`recall@5`", id="metric"
        ),
        pytest.param(
            "target: answer\n" + GATE + "    min_mean: 1\n" + HEAD + CASE,
            "eval_gate_part",
            3,
            "target: answer",
            id="gate on what is not measured",
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
        pytest.param(HEAD + "  - {id: a\n", "eval_syntax", 4, "", id="not YAML"),
        pytest.param("a: &a [x]\nb: *a\n", "eval_syntax", 2, "*a", id="alias"),
        pytest.param("a: &a [*a]\n", "eval_syntax", 1, "*a", id="alias of itself"),
        pytest.param("[" * 5000, "eval_syntax", 1, "", id="nested too deeply"),
        pytest.param("[" * 10**5 + "]" * 10**5, "eval_syntax", 1, "", id="nested so deeply that C overflows"),
        pytest.param("a: b\nc: \x07\n", "eval_syntax", 2, "", id="control character"),
        pytest.param("", "eval_form", 1, "", id="empty file"),
        pytest.param("- a\n", "eval_form", 1, "notes", id="no mapping"),
        pytest.param(HEAD + "  - hello\n", "eval_form", 4, "question", id="case that is a text"),
        pytest.param(
            "gates:\n  - {metric: judge_correct, min_mean: 1, judge: true}\n" + HEAD + CASE,
            "eval_gate_no_judge", 2, "--judge", id="gate of a judge without one",
        ),
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
