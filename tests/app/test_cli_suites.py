import json

from jsonschema import Draft202012Validator


def test_the_schema_of_suites_is_printed_as_json(terakoya):
    shown, line = terakoya("eval", "schema"), terakoya("eval", "schema", "--json")
    Draft202012Validator.check_schema(json.loads(shown.out))
    assert json.loads(line.out) == json.loads(shown.out)
    assert line.out.count("\n") == 1
    assert (shown.returncode, line.returncode) == (0, 0)


def test_a_table_of_questions_becomes_a_suite(terakoya, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text("Green tea: 80 C\n")
    table = tmp_path / "questions.csv"
    rows = "How hot?,80 C,tea.md,Green tea\nWhat is it?,Green,tea.md,\n,x,,\n"
    table.write_text(f"question,expected,source,passage\n{rows}")
    suite = tmp_path / "made" / "suite.yaml"
    done = terakoya(
        "eval", "import", "csv", str(table), "--notes", str(tmp_path / "notes"), "--to", str(suite)
    )
    assert done.returncode == 0
    assert f"{suite}: cases 2, notes 1" in done.out
    assert "no question: 1" in done.err
    assert "notes: ../notes" in suite.read_text()


def test_a_row_that_expects_nothing_is_bad_input_with_its_line(terakoya, tmp_path):
    table = tmp_path / "questions.csv"
    table.write_text("question,expected\nHow hot?,80 C\nWhy?,\n")
    done = terakoya("eval", "import", "csv", str(table), "--to", str(tmp_path / "suite.yaml"))
    assert done.returncode == 2
    assert f"`{table}`, line 3:" in done.err
    assert not (tmp_path / "suite.yaml").exists()


def test_a_kind_that_is_unknown_is_wrong_use(terakoya, tmp_path):
    done = terakoya("eval", "import", "excel", str(tmp_path), "--to", str(tmp_path / "suite.yaml"))
    assert done.returncode == 2
    assert "excel" in done.err


def test_a_suite_with_a_misspelt_key_names_the_nearest_one(terakoya, tmp_path):
    suite = tmp_path / "suite.yaml"
    suite.write_text("name: s\nnotes: .\ngates:\n  - {metric: correct, min_maen: 1}\ncases: []\n")
    done = terakoya("eval", "run", str(suite))
    assert done.returncode == 2
    assert f"`{suite}`, line 4:" in done.err
    assert "Do you mean `min_mean`?" in done.err
