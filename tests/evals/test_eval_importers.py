import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals import Suite, load_suite
from evals.importers import KINDS, Draft, Options, write_draft
from terakoya.errors import BadInput


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, content: str) -> Path:
        path = tmp_path / "from" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


Write = Callable[[str, str], Path]


def imported(kind: str, path: Path, *, suffix: str = "yaml", **options: Any) -> tuple[Suite, Draft]:
    draft = KINDS[kind](path, Options(**options))
    base = path.parent if path.is_dir() else path.parent.parent
    to = base / "to" / f"made.{suffix}"
    write_draft(draft, to)
    return load_suite(to), draft


def refused(kind: str, path: Path, **options: Any) -> tuple[str, Any, str]:
    with pytest.raises(BadInput) as caught:
        KINDS[kind](path, Options(**options))
    assert caught.value.exit_code == 2
    for language in ("en", "ja"):
        assert str(path.parent) in caught.value.message(language)
    return caught.value.key, caught.value.values.get("line"), caught.value.message("en")


# SQuAD

CONTEXT = "The Nile flows north.\nIt is about 6650 km long."


def squad(**question: Any) -> str:
    asked = {"id": "q-1", "question": "Where does the Nile flow?", **question}
    paragraph = {"context": CONTEXT, "qas": [asked]}
    return json.dumps(
        {"version": "v2.0", "data": [{"title": "Nile_River", "paragraphs": [paragraph]}]}, indent=1
    )


def test_a_squad_question_has_its_answer_on_the_line_of_its_context(write: Write) -> None:
    answer = {"text": "about 6650 km", "answer_start": CONTEXT.index("about")}
    suite, _ = imported("squad", write("nile.json", squad(answers=[answer, answer])))
    case = suite.cases[0]
    assert (case.id, case.expected, case.answers) == ("q-1", ("about 6650 km",), ("about 6650 km",))
    note = suite.notes[case.passages[0].source]
    assert [note.lines[n - 1] for n in case.passages[0].lines] == ["It is about 6650 km long."]
    assert note.lines[0] == "# Nile River"


def test_of_several_squad_answers_one_has_to_occur(write: Write) -> None:
    answers = [{"text": t, "answer_start": CONTEXT.index(t)} for t in ("north", "flows north")]
    case = imported("squad", write("nile.json", squad(answers=answers)))[0].cases[0]
    assert (case.expected, case.answers) == ((), ("north", "flows north"))
    assert [fact.any_of for fact in case.key_facts] == [("north", "flows north")]


def test_an_impossible_squad_question_is_to_be_declined(write: Write) -> None:
    suite, _ = imported("squad", write("nile.json", squad(is_impossible=True, answers=[])))
    assert not suite.cases[0].answerable


def test_a_squad_answer_that_does_not_stand_where_it_should_is_refused(write: Write) -> None:
    path = write("nile.json", squad(answers=[{"text": "south", "answer_start": 15}]))
    key, line, message = refused("squad", path)
    assert (key, line) == ("eval_import", 11)
    assert "south" in message


# CSV

NOTE = "# Tea\n\nGreen tea: 80 C\nBlack tea: boiling water\n"


def test_a_table_becomes_a_suite_over_the_notes_beside_it(write: Write) -> None:
    write("tea.md", NOTE)
    path = write(
        "questions.csv",
        "id,question,expected,tags,source,passage,answerable,language\n"
        'green,"How hot for green tea?",80 C,one|two,tea.md,Green tea: 80 C,,\n'
        ',"緑茶と紅茶のお湯は？","80 C\nboiling",,tea.md,Green tea|Black tea,yes,ja\n'
        ",How hot is the sun?,,,,,no,\n",
    )
    suite, _ = imported("csv", path)
    green, both, sun = suite.cases
    assert (green.id, green.expected, green.tags, green.language) == (
        "green",
        ("80 C",),
        ("one", "two"),
        "en",
    )
    assert ([p.lines for p in both.passages], both.expected) == ([(3,), (4,)], ("80 C", "boiling"))
    assert (sun.id, sun.answerable) == ("q3", False)


@pytest.mark.parametrize(
    ("content", "key", "line", "named"),
    [
        ("question,expectd\nq,a\n", "eval_key", 1, "`expected`"),
        ("expected\na\n", "eval_key_missing", 1, "question"),
        ("question,expected\nq,a\nq,\n", "eval_case_empty", 3, "q2"),
        ('question,expected\n"two\nlines",a\nq,a,b\n', "eval_import", 4, "3 cells"),
        ("question,expected,answerable\nq,a,no\n", "eval_case_contradiction", 2, "q1"),
        ("question,expected,answerable\nq,a,maybe\n", "eval_value", 2, "maybe"),
        ("question,expected,language\nq,a,fr\n", "eval_value", 2, "fr"),
        ("question,source,passage\nq,tea.md,Red tea\n", "eval_passage", 2, "Red tea"),
        ("question,source\nq,milk.md\n", "eval_note", 2, "milk.md"),
        ("question,source,passage\nq,tea.md|tea.md,a|b|c\n", "eval_import", 2, "`passage`"),
        ('question,expected\n"q,a\n', "eval_import", 2, ""),
        ("question,expected\n", "eval_import_none", None, "csv"),
        ("", "eval_key_missing", 1, "question"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_line(
    write: Write, content: str, key: str, line: int | None, named: str
) -> None:
    write("tea.md", NOTE)
    found = refused("csv", write("questions.csv", content))
    assert found[:2] == (key, line)
    assert named in found[2]


# BEIR


@pytest.fixture
def beir(write: Write) -> Path:
    documents = [
        {"_id": "d/1", "title": "Tides", "text": "The moon makes the tides."},
        {"_id": "d 1", "title": "", "text": "Another text."},
        {"_id": "D/1", "text": ""},
    ]
    queries = [{"_id": "q1", "text": "What makes  the tides?"}, {"_id": "q2", "text": "Nothing"}]
    write("corpus.jsonl", "".join(json.dumps(d) + "\n" for d in documents))
    write("queries.jsonl", "".join(json.dumps(q) + "\n" for q in queries))
    write("qrels/dev.tsv", "query-id\tcorpus-id\tscore\nq2\td 1\t1\n")
    judged = "query-id\tcorpus-id\tscore\nq1\td/1\t2\nq1\td 1\t0\nq1\tD/1\t1\nq2\td/1\t0\n"
    return write("qrels/test.tsv", judged).parents[1]


def test_a_beir_folder_becomes_graded_notes(beir: Path) -> None:
    suite, draft = imported("beir", beir)
    assert [(case.id, case.question) for case in suite.cases] == [("q1", "What makes the tides?")]
    tides, empty = suite.cases[0].passages
    assert (tides.grade, empty.grade) == (2, 1)
    assert suite.notes[tides.source].lines[:3] == ("# Tides", "", "The moon makes the tides.")
    assert len({source.lower() for source in suite.notes}) == 3
    assert draft.left_out == {"relevant": 1}


def test_the_split_of_a_beir_folder_can_be_named(beir: Path) -> None:
    assert [case.id for case in imported("beir", beir, split="dev")[0].cases] == ["q2"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tgone\t1\n", 2),
        ("qrels/test.tsv", "q1\td/1\n", 1),
        ("corpus.jsonl", '{"_id": "a"}\n[]\n', 2),
        ("queries.jsonl", "\n{\n", 2),
    ],
)
def test_a_beir_file_that_cannot_be_used_is_refused_with_its_line(
    beir: Path, write: Write, name: str, content: str, line: int
) -> None:
    write(name, content)
    assert refused("beir", beir)[:2] == ("eval_import", line)


def test_a_folder_without_a_corpus_is_refused(tmp_path: Path) -> None:
    assert refused("beir", tmp_path)[0] == "eval_import_missing"


# Langfuse

ITEMS = [
    {"id": "i-1", "input": "How hot for green tea?", "expectedOutput": "80 C", "status": "ACTIVE"},
    {
        "id": "i-2",
        "input": {"question": "And black?"},
        "expectedOutput": {"answer": "boiling", "tags": ["t"]},
    },
    {"id": "i-3", "input": {"question": "Why?"}, "expectedOutput": None, "metadata": {"answerable": False}},
    {
        "id": "i-4",
        "input": [
            {"role": "user", "content": "Green tea?"},
            {"role": "assistant", "content": "80 C"},
            {"role": "user", "content": "And black?"},
        ],
        "metadata": {"passages": [{"source": "tea.md", "text": "Black tea"}]},
    },
    {"id": "i-5", "input": 4, "expectedOutput": 4},
    {"id": "i-6", "input": "old", "expectedOutput": "x", "status": "ARCHIVED"},
    {"id": "i-7", "input": "q", "expectedOutput": None},
    {"id": "i-8", "input": "", "expectedOutput": "x"},
]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda items: json.dumps(items, indent=1), id="list"),
        pytest.param(lambda items: json.dumps({"data": items, "meta": {"page": 1}}), id="API"),
        pytest.param(lambda items: "\n".join(map(json.dumps, items)), id="JSON Lines"),
    ],
)
def test_a_langfuse_dataset_becomes_a_suite(write: Write, form: Callable[[Any], str]) -> None:
    write("notes/tea.md", NOTE)
    path = write("items.json", form(ITEMS))
    suite, draft = imported("langfuse", path, notes=path.parent / "notes")
    first, second, third, fourth, fifth = suite.cases
    assert (first.id, first.answers) == ("i-1", ("80 C",))
    assert (second.question, second.answers, second.tags) == ("And black?", ("boiling",), ("t",))
    assert not third.answerable
    assert (fourth.earlier, fourth.question, fourth.passages[0].lines) == (
        ("Green tea?",),
        "And black?",
        (4,),
    )
    assert (fifth.question, fifth.answers) == ("4", ("4",))
    assert draft.left_out == {"archived": 1, "expected": 1, "question": 1}


@pytest.mark.parametrize(
    ("content", "key", "line"),
    [
        ('[\n{"id": "a", "input": "q",\n', "eval_import", 3),
        ('{"id": "a", "input": "q", "expectedOutput": "x"}\n3\n', "eval_import", 2),
        ('\n[{"input": "q", "metadata": {"tags": 3}}]', "eval_value", 2),
        ('[\n{"id": "a", "input": "q", "metadata": {"passages": [{"source": "no.md"}]}}]', "eval_note", 2),
        ("[]", "eval_import_none", None),
    ],
)
def test_an_export_that_cannot_be_used_is_refused_with_its_line(
    write: Write, content: str, key: str, line: int | None
) -> None:
    assert refused("langfuse", write("items.json", content))[:2] == (key, line)


# All of them


def test_a_suite_can_be_written_as_json_lines(beir: Path) -> None:
    as_yaml, _ = imported("beir", beir)
    draft = KINDS["beir"](beir, Options())
    write_draft(draft, beir.parent / "other" / "made.jsonl")
    assert load_suite(beir.parent / "other" / "made.jsonl").digest == as_yaml.digest


def test_scalars_come_through_as_they_stand(write: Write) -> None:
    write("tea.md", "no 007 1e3 null\n")
    suite, _ = imported("csv", write("q.csv", "id,question,expected\n007,no,1e3|null\n"))
    assert (suite.cases[0].id, suite.cases[0].question) == ("007", "no")
    assert suite.cases[0].expected == ("1e3", "null")


def test_nothing_is_written_over(beir: Path) -> None:
    imported("beir", beir)
    with pytest.raises(BadInput, match=r"made\.yaml.* there already"):
        imported("beir", beir)


@pytest.mark.parametrize("kind", ["squad", "csv", "langfuse"])
def test_a_limit_takes_the_first_questions(write: Write, kind: str) -> None:
    write("tea.md", NOTE)
    answer = {"text": "north", "answer_start": CONTEXT.index("north")}
    qas = [{"id": n, "question": f"q{n}", "answers": [answer]} for n in range(3)]
    content = {
        "squad": json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]}),
        "csv": "question,expected\na,1\nb,2\nc,3\n",
        "langfuse": json.dumps([{"input": f"q{n}", "expectedOutput": "x"} for n in range(3)]),
    }[kind]
    path = write("questions.csv" if kind == "csv" else "questions.json", content)
    assert len(imported(kind, path, limit=2)[0].cases) == 2


@pytest.mark.parametrize("kind", ["squad", "csv", "langfuse"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.text(alphabet='{}[]":,q0\n\tdata', max_size=30))
def test_any_text_is_read_or_refused_as_bad_input(tmp_path: Path, kind: str, content: str) -> None:
    path = tmp_path / "any.json"
    path.write_text(content)
    with pytest.raises(BadInput):
        KINDS[kind](path, Options())
