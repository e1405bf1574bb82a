import json

import pytest

from app.tracing.standin import StandIn

SUITE = """\
name: small
notes: notes
cases:
  - id: heat
    question: How hot is green tea?
    expected: [80 C]
"""


@pytest.fixture
def server():
    with StandIn() as server:
        yield server


@pytest.fixture
def langfuse(server):
    return {
        "LANGFUSE_BASE_URL": server.url,
        "LANGFUSE_PUBLIC_KEY": server.public_key,
        "LANGFUSE_SECRET_KEY": server.secret_key,
    }


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text("Green tea: 80 C\n")
    path = tmp_path / "small.yaml"
    path.write_text(SUITE)
    return path


def test_a_suite_and_a_dataset_are_brought_in_step(terakoya, suite, server, langfuse, tmp_path):
    trial = terakoya("eval", "sync", str(suite), "--dry-run", **langfuse)
    assert (trial.returncode, server.kept.items) == (0, {})
    assert "1 would be written" in trial.out
    done = terakoya("eval", "sync", str(suite), "--json", **langfuse)
    assert json.loads(done.out)["pushed"] == ["heat"]
    made = tmp_path / "made.yaml"
    notes = str(tmp_path / "notes")
    drawn = terakoya("eval", "import", "langfuse", "small", "--to", str(made), "--notes", notes, **langfuse)
    assert (drawn.returncode, "cases 1" in drawn.out) == (0, True)


def test_what_is_left_to_decide_is_exit_code_1(terakoya, suite, server, langfuse):
    terakoya("eval", "sync", str(suite), **langfuse)
    (item,) = server.kept.items.values()
    item["expectedOutput"] = {"expected": ["90 C"]}
    suite.write_text(SUITE.replace("80 C", "hot"))
    done = terakoya("eval", "sync", str(suite), **langfuse)
    assert (done.returncode, "heat" in done.err) == (1, True)


def test_without_langfuse_its_commands_name_what_to_set(terakoya, suite):
    for command in (["eval", "sync", str(suite)], ["eval", "run", str(suite), "--langfuse"]):
        done = terakoya(*command)
        assert done.returncode == 3
        assert "LANGFUSE_BASE_URL" in done.err


def test_a_wrong_key_is_said_without_the_key(terakoya, suite, langfuse):
    done = terakoya("eval", "sync", str(suite), **{**langfuse, "LANGFUSE_SECRET_KEY": "sk-lf-other"})
    assert done.returncode == 3
    assert "keys" in done.err
    assert "sk-lf-other" not in done.err


def test_a_dataset_that_is_not_there_is_bad_input(terakoya, suite, langfuse, tmp_path):
    where = ["--to", str(tmp_path / "x.yaml"), "--notes", str(tmp_path / "notes")]
    done = terakoya("eval", "import", "langfuse", "nothing", *where, **langfuse)
    assert (done.returncode, "`nothing`" in done.err) == (2, True)


def test_a_run_of_the_notes_goes_to_langfuse_by_setting(terakoya, suite, server, langfuse):
    done = terakoya(
        "eval", "run", str(suite), TERAKOYA_EMBEDDER="none", TERAKOYA_EVAL_LANGFUSE="1", **langfuse
    )
    assert done.returncode in (0, 1), done.err
    assert "in Langfuse as the experiment" in done.err
    names = {one.attributes.get("langfuse.experiment.name", "") for one in server.kept.observations.values()}
    assert any(name.startswith("20") for name in names)


def test_prompts_go_to_langfuse_and_come_back(terakoya, server, langfuse, tmp_path):
    first = terakoya("prompts", "push", "answer", **langfuse)
    assert (first.returncode, "now version 1" in first.out) == (0, True)
    assert "has it as version 1" in terakoya("prompts", "push", "answer", **langfuse).out
    assert terakoya("prompts", "diff", "answer", **langfuse).returncode == 0
    version = server.kept.prompts["answer"][0]
    version["prompt"] = version["prompt"].replace("study notes", "notes")
    different = terakoya("prompts", "diff", "answer", **langfuse)
    assert different.returncode == 1
    assert "+You answer questions from the user's own notes." in different.out
    folder = tmp_path / "prompts"
    pulled = terakoya("prompts", "pull", "answer", "--to", str(folder), **langfuse)
    assert (pulled.returncode, (folder / "answer.md").is_file()) == (0, True)
    assert terakoya("prompts", "diff", "answer", TERAKOYA_PROMPTS=str(folder), **langfuse).returncode == 0


def test_the_list_says_what_langfuse_has(terakoya, server, langfuse):
    plain = [json.loads(line) for line in terakoya("prompts", "--json").out.splitlines()]
    assert {"name", "version", "hash", "variables"} <= plain[0].keys()
    terakoya("prompts", "push", "answer", "--label", "staging", **langfuse)
    version = server.kept.prompts["answer"][0]
    version["prompt"] = "{{question}} {{weather}}"
    listed = terakoya("prompts", "list", "--label", "staging", "--json", **langfuse)
    (answer,) = [line for line in map(json.loads, listed.out.splitlines()) if line["name"] == "answer"]
    assert (answer["state"], answer["langfuse_version"]) == ("refused", 1)
    japanese = terakoya("prompts", "list", "--label", "staging", TERAKOYA_LANGUAGE="ja", **langfuse)
    assert "+weather" in japanese.out
    assert "ファイルを使う" in japanese.out


def test_a_prompt_that_there_is_not_is_bad_input(terakoya, langfuse):
    done = terakoya("prompts", "push", "poem", **langfuse)
    assert (done.returncode, "`poem`" in done.err) == (2, True)
