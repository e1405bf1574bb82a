"""`terakoya notes` over a real store: alone, and through the service of its home."""

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from running import Processes, clean_environment, until

from ingest.store import Store
from terakoya.client import ServiceClient

NASTY = "evil\x1b[31m\nline.md"
NOTES = {
    "biology/グルコース.md": "# 細胞\n\n- ミトコンドリア: <b>呼吸</b>を担う\n  - 内膜にひだがある\n\n"
    "| 名 | 役 |\n| --- | --- |\n| 核 | 司令 |\n",
    "biology/gene.md": "# Genes\n\nA gene is a piece of DNA.\n",
    "log.md": "# 学習ログ\n\n## 2026-01-03\n\n- 分散分析\n",
    "plain.txt": "ただの文です。\n\x1b[31m赤\n",
    NASTY: "# Nasty\n\nName with control characters.\n",
}
REMARKS = [["front_matter", {"line": 2, "reason": "odd\x1b[31m"}]]
PROGRAM = ("-m", "app.cli.program")


@pytest.fixture(params=["alone", "served"])
def terakoya(request, home: Path, notes: Path):
    """Runs the command line over an ingested folder."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *PROGRAM, "--home", str(home), *arguments],
            env=clean_environment(TERAKOYA_EMBEDDER="none", TERAKOYA_MODEL="", **environment),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    assert run("ingest", str(notes)).returncode == 0
    with Store(home / "terakoya.duckdb", read_only=False) as store, store.transaction() as cursor:
        cursor.execute("UPDATE notes SET remarks = $r WHERE path = 'plain.txt'", {"r": json.dumps(REMARKS)})
    processes = Processes()
    if request.param == "served":
        service = processes.start(
            *PROGRAM, "--home", home, "serve", "--port", "0", TERAKOYA_EMBEDDER="none", TERAKOYA_MODEL=""
        )

        def look() -> ServiceClient | None:
            assert service.poll() is None, service.communicate()[1]
            return ServiceClient.discover(home)

        until(look).close()
    yield run
    processes.end()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for path, content in NOTES.items():
        (tmp_path / "notes" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "notes" / path).write_text(content, encoding="utf-8")
    return tmp_path / "notes"


def rows(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_list_the_views_and_the_trees(terakoya) -> None:
    listed = terakoya("notes")
    assert [line.split()[0] for line in listed.stdout.splitlines()][:3] == [
        "NOTE",
        "biology/gene.md",
        "biology/グルコース.md",
    ]
    assert "evil[31m line.md" in listed.stdout
    assert "\x1b" not in listed.stdout
    assert listed.stderr.startswith("Notes: 5, passages: ")
    assert terakoya("notes", "list").stdout == listed.stdout
    assert "文字コード" in terakoya("notes", TERAKOYA_LANGUAGE="ja").stdout

    in_json = rows(terakoya("notes", "--json"))
    assert [row["source"] for row in in_json] == sorted(NOTES)
    assert in_json == rows(terakoya("--json", "notes", "list"))
    assert [row["source"] for row in in_json if row["problems"]] == ["plain.txt"]
    assert all(row["chunks"] > 0 for row in in_json)

    shown = terakoya("notes", "show", "biology/グルコース.md")
    assert shown.stdout == NOTES["biology/グルコース.md"].replace("<b>", "").replace("</b>", "")
    assert terakoya("notes", "show", "-n", "log.md").stdout.splitlines()[2] == "3  ## 2026-01-03"
    assert "\x1b" not in terakoya("notes", "show", "plain.txt").stdout
    assert terakoya("notes", "show", NASTY).stdout == NOTES[NASTY]
    assert rows(terakoya("notes", "show", "log.md", "--json")) == [
        {"source": "log.md", "title": "学習ログ", "text": NOTES["log.md"]}
    ]

    drawn = terakoya("notes", "show", "biology/グルコース.md", "--tree", TERAKOYA_LANGUAGE="ja").stdout
    assert "      ├─ 項目" in drawn
    assert "│  └─ 項目" in drawn
    (tree,) = rows(terakoya("notes", "show", "biology/グルコース.md", "--tree", "--json"))
    (top,) = tree["blocks"]
    item = top["children"][0]
    source = NOTES["biology/グルコース.md"]
    assert source[item["start"] : item["end"]].startswith("- ミトコンドリア: <b>呼吸</b>を担う")
    assert (item["start_line"], item["end_line"], item["text"]) == (3, 4, "- ミトコンドリア: 呼吸を担う")
    (log,) = rows(terakoya("notes", "show", "log.md", "--tree", "--json"))
    assert log["blocks"][0]["children"][0]["children"][0]["date"] == "2026-01-03"


def test_what_is_worth_telling_of_a_note_is_told_in_the_reader_s_language(terakoya) -> None:
    listed = terakoya("notes").stdout
    assert "PROBLEMS" in listed
    assert "\nplain.txt: The front matter cannot be read at line 2 (odd[31m)" in listed
    (row,) = (r for r in rows(terakoya("notes", "--json", TERAKOYA_LANGUAGE="ja")) if r["problems"])
    (problem,) = row["problems"]
    assert problem["code"] == "front_matter"
    assert "2 行目" in problem["message"]


def test_a_note_is_opened_by_the_end_of_its_path_and_near_names_are_told(terakoya, notes: Path) -> None:
    text = NOTES["biology/gene.md"]
    for name in ("gene.md", "gene", "GENE.md", str(notes / "biology" / "gene.md")):
        opened = terakoya("notes", "show", name)
        assert (opened.stdout, opened.stderr) == (text, "biology/gene.md\n")
    decomposed = terakoya("notes", "show", unicodedata.normalize("NFD", "グルコース.md"))
    assert decomposed.stderr == "biology/グルコース.md\n"
    (notes / "again").mkdir()
    shutil.copy(notes / "biology" / "gene.md", notes / "again")
    terakoya("ingest", str(notes))
    for name, said in (
        ("gene.md", "`again/gene.md`, `biology/gene.md`"),
        ("biology/gen.md", "`biology/gene.md`"),
        ("evil", "`evil[31m line.md`"),
        ("zzz", "`terakoya notes`"),
    ):
        refused = terakoya("notes", "show", name)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert said in refused.stderr
        assert "\x1b" not in refused.stderr


def test_what_is_forgotten_goes_and_what_is_not_there_is_told(terakoya, notes: Path) -> None:
    assert terakoya("ask", "What does the plain note say?").returncode == 0
    whole = terakoya("notes", "forget", str(notes), "--dry-run").stdout
    assert f"Nothing would be left of the folder `{notes}`" in whole
    assert "Traces that would be erased" in whole
    told = terakoya("notes", "forget", "biology", "--dry-run")
    assert told.stdout.startswith("Nothing was written")
    assert len(rows(terakoya("notes", "--json"))) == 5
    gone = terakoya("notes", "forget", "biology")
    assert "  biology/gene.md\n  biology/グルコース.md\n" in gone.stdout
    assert "still there: 2" in gone.stdout
    assert [row["source"] for row in rows(terakoya("notes", "--json"))] == [NASTY, "log.md", "plain.txt"]
    for name in ("biology", str(notes.parent)):
        refused = terakoya("notes", "forget", name)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert str(notes) in refused.stderr
    assert terakoya("notes", "forget", "").returncode == 2
    shutil.rmtree(notes)
    (report,) = rows(terakoya("notes", "forget", str(notes), "--json"))
    assert report == {
        "sources": [NASTY, "log.md", "plain.txt"],
        "folders": [str(notes)],
        "on_disk": [],
        "threads": [],
        "traces": 1,
        "sent_to": "",
        "answers": 0,
        "dry_run": False,
    }
    assert rows(terakoya("notes", "--json")) == []
    assert "-" in terakoya("notes", "forget", str(notes)).stderr


def test_a_dry_run_tells_what_would_be_refused(terakoya, notes: Path) -> None:
    (notes / "binary.md").write_bytes(b"\x00\x01" * 500)
    (notes / "new.md").write_text("new")
    (report,) = rows(terakoya("ingest", str(notes), "--dry-run", "--json", TERAKOYA_LANGUAGE="ja"))
    assert report["added"] == ["new.md"]
    (problem,) = report["problems"]
    assert (problem["path"], problem["code"]) == ("binary.md", "note_binary")
    assert "バイナリデータ" in problem["message"]


def test_a_name_that_is_no_text_is_a_name_that_is_not_there(terakoya, home: Path) -> None:
    for action in ("show", "forget"):
        done = subprocess.run(
            [sys.executable, *PROGRAM, "--home", str(home), "notes", action, os.fsdecode(b"a\xff")],
            env=clean_environment(TERAKOYA_EMBEDDER="none"),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1


def test_without_a_store_nothing_is_made(home: Path) -> None:
    for arguments in (["notes"], ["notes", "show", "a.md"], ["notes", "forget", "a.md"]):
        done = subprocess.run(
            [sys.executable, *PROGRAM, "--home", str(home), *arguments],
            env=clean_environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (3, b"")
        assert not home.exists()
