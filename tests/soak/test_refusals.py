"""Files that are made to harm, through the command line: read in bounded time, or refused in one sentence."""

import json
from pathlib import Path

import pytest

from terakoya.catalogue import text
from tests.soak import hostile
from tests.soak.ingesting import LONGEST, Running, terakoya
from tests.soak.scale import log
from tests.soak.store_rows import assert_whole

JAPANESE = {"TERAKOYA_LANGUAGE": "", "LC_ALL": "", "LANG": "ja_JP.UTF-8"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_is_refused_in_one_sentence(tmp_path: Path, language: str) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    hostile.write_refused(folder)
    done = terakoya(tmp_path / "home", "ingest", folder, **(JAPANESE if language == "ja" else {}))
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["added"] == ["good.md"]
    assert {problem["path"]: problem["code"] for problem in report["problems"]} == hostile.REFUSED
    lines = done.err.splitlines()
    assert len(lines) <= len(hostile.REFUSED) + 1  # one more tells how long it took
    for problem in report["problems"]:
        path, sentence = problem["path"], problem["message"]
        assert text("cli.ingest_problem", language=language, path=path, message=sentence) in lines
        assert sentence.isascii() == (language == "en")


def test_the_others_are_read_however_deep_and_long(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    hostile.write_read(folder)
    home = tmp_path / "home"
    with Running(home, "ingest", folder) as running:
        hangs = running.runs_for(LONGEST)
        report = {} if hangs else json.loads(running.ended().out)
    stored = {path for path, _ in assert_whole(home / "terakoya.duckdb")}
    assert not hangs, f"at work on one of {sorted(set(hostile.READ) - stored)}"
    assert set(report["added"]) == set(hostile.READ) == stored
    assert report["problems"] == []
    log("hostile files", read=len(hostile.READ), refused=len(hostile.REFUSED), seconds=report["seconds"])
