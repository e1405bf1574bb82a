import json
import signal
import subprocess
import sys

import pytest
from fakes import WORDS
from running import FAKES, clean_environment, until

from terakoya.client import ServiceClient

ANSWER = "".join(WORDS)
ASK_KEYS = {
    "question",
    "answer",
    "answered",
    "citations",
    "model",
    "effort",
    "thread_id",
    "trace_id",
    "timings",
}
HIT_KEYS = {"id", "source", "heading", "start_line", "end_line", "start", "end", "score", "text", "page"}


def rows(done):
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.parametrize("served", [False, True])
def test_search_and_ask_give_one_object_a_line_in_this_process_and_over_http(terakoya, home, served, request):
    if served:
        request.getfixturevalue("own_service")
    found = terakoya("search", "遺伝", "--json", "-k", "2")
    (row,) = rows(found)
    assert row["query"] == "遺伝"
    assert [hit.keys() for hit in row["hits"]] == [HIT_KEYS] * 2
    asked = terakoya("ask", "--json", "--effort", "deep", "遺伝とは？")
    (row,) = rows(asked)
    assert row.keys() >= ASK_KEYS
    assert (row["question"], row["effort"], row["answer"]) == ("遺伝とは？", "deep", ANSWER)
    assert row["citations"][0].keys() >= {"marker", "source", "start_line", "end_line", "quote"}
    assert (found.returncode, asked.returncode) == (0, 0)
    assert (found.err, asked.err) == ("", "")


@pytest.mark.parametrize("served", [False, True])
def test_search_explains_where_it_is_asked_to(terakoya, served, request):
    if served:
        request.getfixturevalue("own_service")
    (row,) = rows(terakoya("search", "x", "--explain", "--json", "-k", "2", TERAKOYA_LANGUAGE="ja"))
    for hit in row["hits"]:
        assert hit.keys() == HIT_KEYS | {"explain"}
        assert hit["explain"]["arms"] == {"lexical": {"score": 1.0, "rank": 1}}
        assert hit["explain"]["matches"] == [{"term": "Mendel", "share": 1.0, "spans": [[9, 15]]}]
        assert hit["explain"]["missing"] == ["zebra"]
        assert hit["explain"]["why"][0] == "質問の 100 % がここにあります: Mendel (100 %)。"
    told = terakoya("search", "x", "--explain", "-k", "1").out.splitlines()
    assert told[-3:] == [
        "     · By words 1.000, number 1",
        "     · It holds 100 % of the query: Mendel (100 %).",
        "     · First: nothing is nearer by words, and nothing by meaning.",
    ]


@pytest.mark.parametrize("served", [False, True])
def test_search_finds_what_is_like_a_place_in_a_note(terakoya, served, request):
    if served:
        request.getfixturevalue("own_service")
    (row,) = rows(terakoya("search", "--like", "biology/cell.md:12", "--json", "-k", "2"))
    assert row["query"] == "like 12"
    assert [hit.keys() for hit in row["hits"]] == [HIT_KEYS] * 2
    (row,) = rows(terakoya("search", "--like", "cell", "--json", "--explain"))
    assert row["query"] == "like None"
    assert all("explain" in hit for hit in row["hits"])
    told = terakoya("search", "--like", "cell.md:7")
    assert told.out.endswith("Perhaps you mean: other\n")
    gone = terakoya("search", "--like", "nothing.md:3")
    assert (gone.returncode, gone.out) == (2, "")
    assert "nothing.md" in gone.err


@pytest.mark.parametrize("others", [["x"], ["--batch", "-"]])
def test_like_takes_the_place_of_a_query(terakoya, others):
    done = terakoya("search", "--like", "cell.md", *others)
    assert done.returncode == 2
    assert "--like" in done.err


@pytest.mark.parametrize("served", [False, True])
def test_notes_duplicates_lists_groups_of_notes_that_are_alike(terakoya, served, request):
    if served:
        request.getfixturevalue("own_service")
    told = terakoya("notes", "duplicates")
    assert told.out == "a.md\n   80 %  b.md\n"
    assert told.err == "Groups of notes that are alike: 1\n"
    (row,) = rows(terakoya("notes", "duplicates", "--similarity", "0.999", "--json"))
    assert [(note["source"], note["similarity"]) for note in row["notes"]] == [("a.md", 1.0), ("b.md", 0.999)]
    assert " 99 %  b.md" in terakoya("notes", "duplicates", "--similarity", "0.999").out


@pytest.mark.parametrize("served", [False, True])
def test_filters_reach_the_search(terakoya, served, request):
    if served:
        request.getfixturevalue("own_service")
    given = ["--folder", "biology", "--folder", "生物", "--tag", "exam", "--language", "ja"]
    (row,) = rows(terakoya("search", "x", *given, "--since", "2024-02", "--until", "2024-02", "--json"))
    days = "since=datetime.date(2024, 2, 1), until=datetime.date(2024, 2, 29)"
    filter = f"Filter(folders=('biology', '生物'), tags=('exam',), languages=('ja',), {days})"
    assert row["query"] == f"x in {filter}"
    (row,) = rows(terakoya("search", "--like", "cell", "--since", "2024", "--json"))
    assert "since=datetime.date(2024, 1, 1), until=None" in row["query"]


@pytest.mark.parametrize("day", ["tomorrow", "2024-13", "2024-02-30", "24-01-01", "0001", ""])
def test_a_day_that_is_none_is_refused(terakoya, day):
    done = terakoya("search", "x", "--since", day)
    assert (done.returncode, done.out) == (2, "")
    assert "--since" in done.err


def test_where_the_service_is_up_it_is_the_service_that_answers(terakoya, own_service):
    thread = rows(terakoya("ask", "--json", "q"))[0]["thread_id"]
    assert [turn.question for turn in own_service.thread(thread).turns] == ["q"]


@pytest.mark.parametrize("served", [False, True])
def test_an_answer_for_people_names_the_lines(terakoya, served, request):
    if served:
        request.getfixturevalue("own_service")
    done = terakoya("ask", "How", "do", "peas", "grow?")
    place = "[1] biology/cell.md:12-13  Biology > 遺伝"
    assert done.out == f"{ANSWER}\n\n{place}\n    エンドウの実験。\n    Mendel grew peas [1].\n"
    assert "\x1b" not in done.out


def test_global_options_stand_before_or_after_the_command(terakoya, home):
    before = terakoya("--json", "notes")
    after = terakoya("notes", "--home", str(home), "--json", home_first=False)
    assert before.returncode == after.returncode == 0
    assert rows(before) == rows(after) != []


def test_a_batch_is_read_line_by_line_without_blank_lines_and_bom(terakoya, tmp_path):
    path = tmp_path / "queries.txt"
    content = "\ufeff一\r\n\n  \n二  \n三".encode()
    path.write_bytes(content)
    for command, field in (("search", "query"), ("ask", "question")):
        from_file = rows(terakoya(command, "--batch", str(path), "--json"))
        from_stdin = rows(terakoya(command, "--batch", "-", "--json", stdin=content))
        assert [row[field] for row in from_file] == [row[field] for row in from_stdin] == ["一", "二", "三"]


def test_each_answer_of_a_batch_comes_before_the_next_line_is_read(processes, home):
    asking = processes.start(FAKES, "cli", "--home", home, "ask", "--batch", "-", "--json")
    for question in ("one", "two"):
        asking.stdin.write(question + "\n")
        asking.stdin.flush()
        assert json.loads(asking.stdout.readline())["question"] == question
    asking.stdin.close()
    assert asking.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["frob"], "frob"),
        (["ask"], "--batch"),
        (["ask", ""], "empty"),
        (["ask", "  \n"], "empty"),
        (["search", ""], "empty"),
        (["ask", "x", "--batch", "-"], "not both"),
        (["ask", "--effort", "most", "x"], "most"),
        (["search", "-k", "0", "x"], "-k"),
        (["search", "-k", "-3", "x"], "-k"),
        (["search", "-k", "many", "x"], "-k"),
        (["ask", "--bogus", "x"], "--bogus"),
        (["ask", "--batch", "/no/such/file"], "/no/such/file"),
        (["ask", "--batch", "/"], "`/`"),
        (["ingest"], "PATH"),
        (["ingest", "/no/such/folder"], "/no/such/folder"),
        (["up", "--port", "70000"], "--port"),
        (["eval"], "ACTION"),
    ],
)
def test_wrong_use_is_one_sentence_and_code_2(terakoya, arguments, said):
    done = terakoya(*arguments)
    assert (done.returncode, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_batch_that_is_not_utf_8_is_refused_with_its_line(terakoya):
    done = terakoya(
        "ask", "--batch", "-", "--json", stdin="good\n遺伝".encode() + "\n遺伝".encode("shift_jis")
    )
    assert done.returncode == 2
    assert "line 3" in done.err
    assert [row["question"] for row in rows(done)] == ["good", "遺伝"]


def test_a_busy_store_is_code_3(terakoya, home):
    home.mkdir()
    (home / "busy").touch()
    done = terakoya("ask", "x")
    assert (done.returncode, done.out) == (3, "")
    assert done.err.count("\n") == 1


def test_the_store_is_closed_after_a_command(terakoya, home):
    home.mkdir()
    terakoya("ask", "x")
    assert (home / "closed").exists()


def test_an_unexpected_failure_is_a_sentence_and_a_log(terakoya, home):
    done = terakoya("ask", "forget")
    assert done.returncode == 1
    assert "Traceback" not in done.err
    assert str(home / "logs" / "cli.log") in done.err
    assert "RuntimeError" in (home / "logs" / "cli.log").read_text()
    assert "Traceback" in terakoya("ask", "forget", TERAKOYA_DEBUG="1").err


def test_a_failure_of_the_service_keeps_its_code_and_its_sentence(terakoya, own_service):
    done = terakoya("ask", "forget")
    assert done.returncode == 1
    assert "service.log" in done.err
    assert terakoya("search", " ", "--json").returncode == 2


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
)
def test_a_locale_without_japanese_neither_stops_nor_changes_it(terakoya, locale):
    (row,) = rows(terakoya("ask", "--json", "遺伝とは？", **locale))
    assert row["question"] == "遺伝とは？"
    assert "エンドウの実験" in terakoya("search", "x", **locale).out


def test_bytes_that_are_no_text_become_replacement_characters(home):
    done = subprocess.run(
        [sys.executable, str(FAKES), "cli", "--home", str(home), "ask", "--json", b"a\xff\xe9"],
        env=clean_environment(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["question"] == "a\ufffd\ufffd"


def test_a_reader_who_stops_reading_is_no_error(processes, home):
    asking = processes.start(FAKES, "cli", "--home", home, "search", "--batch", "-", "--json")
    asking.stdin.write("one\n")
    asking.stdin.flush()
    asking.stdout.readline()
    asking.stdout.close()
    asking.stdin.write("two\n")
    asking.stdin.close()
    assert asking.wait(30) == 141
    assert asking.stderr.read() == ""


def test_ctrl_c_cuts_the_answer_short_and_ends_without_a_traceback(processes, home, tmp_path):
    asking = processes.start(FAKES, "cli", "--home", home, "ask", "--batch", "-", "--json")
    asking.stdin.write(f"one\ngate:{tmp_path / 'never'}\n")
    asking.stdin.flush()
    asking.stdout.readline()
    until((home / "asking").exists)
    asking.send_signal(signal.SIGINT)
    out, err = asking.communicate(timeout=30)
    assert (asking.returncode, "Traceback" in err) == (130, False)
    (record,) = map(json.loads, out.splitlines())  # the answer that was cut short, and none behind it
    assert record["interrupted"] is True


def test_an_ingest_tells_what_changed_and_strict_minds_problems(terakoya, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("a")
    (folder / "b.bad").write_text("b")
    plain = terakoya("ingest", str(folder))
    assert plain.returncode == 0
    assert plain.out.startswith("1 added, 0 changed")
    assert "b.bad: cannot be read" in plain.err
    strict = terakoya("ingest", str(folder), "--strict", "--json", "--dry-run")
    assert strict.returncode == 1
    (report,) = rows(strict)
    assert (report["added"], report["dry_run"]) == (["a.md"], True)


def test_ingest_over_http_takes_relative_paths_from_where_the_user_stands(own_service, home, tmp_path):
    (tmp_path / "a.md").write_text("a")
    done = subprocess.run(
        [sys.executable, str(FAKES), "cli", "--home", str(home), "ingest", "a.md", "--json"],
        env=clean_environment(),
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["added"] == ["a.md"]


def test_a_path_that_is_no_text_cannot_go_over_http(own_service, home, tmp_path):
    folder = tmp_path / "\udcff"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(FAKES), "cli", "--home", str(home), "ingest", folder],
        env=clean_environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"holds bytes that are no text" in done.stderr


def test_watching_takes_in_what_changes(processes, home, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("a")
    watching = processes.start(FAKES, "cli", "--home", home, "ingest", folder, "--watch", "--json")
    assert json.loads(watching.stdout.readline())["added"] == ["a.md"]
    (folder / "b.md").write_text("b")
    assert json.loads(watching.stdout.readline())["added"] == ["a.md", "b.md"]
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=30)
    assert watching.returncode == 130


def test_a_conversation_keeps_its_thread_and_survives_an_error(terakoya):
    done = terakoya(
        "chat", "--json", stdin=b"one\nforget\n\ntwo\n/new\nthree\n/quit\nnever\n", TERAKOYA_DEBUG=""
    )
    assert [row["question"] for row in rows(done)] == ["one", "two", "three"]
    done = terakoya("chat", "--json", "--thread", "t7", stdin="一\n二\n/new\n三\n/quit\nnever\n".encode())
    assert [(row["question"], row["thread_id"]) for row in rows(done)][:2] == [("一", "t7"), ("二", "t7")]
    assert rows(done)[2]["thread_id"] != "t7"
    assert len(rows(done)) == 3
    assert done.returncode == 0


def test_control_characters_of_notes_do_not_reach_the_terminal(terakoya):
    done = terakoya("search", "a\x1b[31mb\x9b2J")
    assert "\x1b" not in done.out
    assert "\x9b" not in done.out


def test_a_million_hits_may_be_asked_for(terakoya):
    assert len(rows(terakoya("search", "x", "-k", "1000000", "--json"))[0]["hits"]) == 3


@pytest.mark.parametrize(
    "arguments", [["--help"], ["ask", "--help"], ["eval", "run", "--help"], ["--version"]]
)
def test_help_imports_nothing_heavy(arguments):
    program = (
        "import sys\n"
        "from app.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'pydantic', 'httpx', 'duckdb', 'fastapi', 'uvicorn', 'numpy', 'rich', 'streamlit',\n"
        "    'torch', 'langgraph', 'langfuse', 'llama_cpp', 'sentence_transformers', 'sudachipy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "terakoya" in done.stdout


def test_help_comes_in_the_language_of_the_reader(terakoya):
    assert "使い方" in terakoya("ask", "--help", TERAKOYA_LANGUAGE="ja").out
    assert "`--effort` には値が必要です" in terakoya("ask", "--effort", TERAKOYA_LANGUAGE="ja").err


def test_a_record_of_a_service_that_is_gone_does_not_stop_a_command(terakoya, own_service, home):
    own_service.process.kill()
    own_service.process.wait(10)
    assert ServiceClient.discover(home) is None
    assert rows(terakoya("ask", "x", "--json"))[0]["answered"]
