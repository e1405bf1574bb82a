import json
import os
import shutil
from functools import partial

import pytest
from running import clean_environment

from app.doctor import diagnose
from app.models.selfcheck import SelfCheck
from app.settings import load_settings
from app.tracing.standin import StandIn
from terakoya.errors import Busy, Unavailable
from tests.app.models.openai_server import OpenAIServer, scripted
from tests.gguf import tiny_gguf

KEYS = ("LANGFUSE_BASE_URL", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")


@pytest.fixture
def check(home):
    """The check of one name, for settings and facts."""

    def one(name, facts=None, **settings):
        checks = diagnose(load_settings(home, **settings), environ={}, **(facts or {}))
        return next(check for check in checks if check.name == name)

    return one


def test_a_home_that_nobody_used_has_no_problem(home):
    checks = diagnose(load_settings(home), environ={}, store=Unavailable("store_empty", path=home))
    assert {check.name: check.detail for check in checks if check.status == "problem"} == {}
    assert next(check for check in checks if check.name == "store").remedy == "terakoya ingest PATH"
    assert not home.exists()


def test_a_home_that_others_can_read_is_a_problem_with_its_remedy(check, home):
    home.mkdir(mode=0o755)
    found = check("home")
    assert (found.status, found.remedy) == ("problem", f"chmod 700 {home}")
    home.chmod(0o700)
    assert check("home").status == "ok"


def test_a_store_that_cannot_be_opened_is_a_problem_in_its_own_words(check, home):
    error = Busy("ingest_busy")
    found = check("store", {"store": error})
    assert (found.status, found.detail) == ("problem", error.message())


def test_notes_and_passages_are_counted(check):
    assert "7 notes, 99 passages" in check("store", {"notes": 7, "chunks": 99}).detail


def test_a_model_file_that_is_none_is_a_problem(check, tmp_path):
    assert check("model").status == "off"
    assert check("model", model=str(tmp_path / "none.gguf")).status == "problem"
    (tmp_path / "text.gguf").write_text("text")
    found = check("model", model=str(tmp_path / "text.gguf"))
    assert (found.status, "not a GGUF file" in found.detail) == ("problem", True)


def test_each_model_that_is_tried_is_told_with_whether_it_answers(home, tmp_path, monkeypatch):
    path = tiny_gguf(tmp_path / "small.gguf")
    with scripted(OpenAIServer()) as server:
        names = [
            str(path),
            f"openai:big@{server.url}",
            f"openai:other@{server.url}",
            "openai:x@http://127.0.0.1:9/v1",
        ]
        checks = diagnose(load_settings(home, models=names), environ={})
    found = [check for check in checks if check.name == "model"]
    assert [check.status for check in found] == ["ok", "ok", "problem", "problem"]
    assert "GiB" in found[0].detail
    assert server.url in found[1].detail
    assert "big" in found[2].detail
    assert "127.0.0.1:9" in found[3].detail


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("works", "uses the processor's AMX"),
        ("SIGSEGV", "does without the processor's AMX, which ended a trial"),
    ],
)
def test_what_came_of_trying_amx_is_told(home, check, tmp_path, monkeypatch, verdict, told):
    processor = tmp_path / "cpuinfo"
    processor.write_text("model name\t: Xeon\nflags\t\t: fpu amx_tile\n\n")
    monkeypatch.setattr("app.doctor.SelfCheck", partial(SelfCheck, cpuinfo=processor))
    assert "AMX" not in check("engine").detail  # nothing was tried yet
    home.mkdir()
    path = load_settings(home).selfcheck_path
    SelfCheck(path, cpuinfo=processor, run=lambda _: verdict).extra_buffers(tmp_path, "llama 15")
    assert told in check("engine").detail
    monkeypatch.setattr("app.doctor.SelfCheck", partial(SelfCheck, cpuinfo=tmp_path / "none"))
    assert "AMX" not in check("engine").detail


def test_an_embedder_that_is_not_known_is_a_problem_and_none_is_not(check):
    assert check("embedder", embedder="none").status == "off"
    found = check("embedder", embedder="no-such-model")
    assert (found.status, "no-such-model" in found.detail) == ("problem", True)


def test_langfuse_is_off_until_it_is_configured_and_a_problem_when_only_in_part(home):
    def langfuse(**environ):
        checks = diagnose(load_settings(home), environ=environ)
        return next(check for check in checks if check.name == "langfuse")

    assert langfuse().status == "off"
    part = langfuse(LANGFUSE_BASE_URL="http://127.0.0.1:9")
    assert (part.status, part.remedy) == ("problem", "LANGFUSE_PUBLIC_KEY=... LANGFUSE_SECRET_KEY=...")
    whole = dict(zip(KEYS, ("http://127.0.0.1:9", "pk", "sk-secret"), strict=True))
    away = langfuse(**whole)
    assert (away.status, "http://127.0.0.1:9" in away.detail) == ("problem", True)
    assert "sk-secret" not in str(away)


def test_a_langfuse_that_knows_the_keys_is_well_and_one_that_does_not_is_a_problem(home):
    def langfuse(public, secret):
        values = (server.url, public, secret)
        checks = diagnose(load_settings(home), environ=dict(zip(KEYS, values, strict=True)))
        return next(check for check in checks if check.name == "langfuse")

    with StandIn(public_key="pk-lf-doctor") as server:  # the SDK keeps one client for each public key
        assert langfuse(server.public_key, server.secret_key).status == "ok"
        # another public key too: the SDK keeps one client for each
        wrong = langfuse("pk-lf-other", "sk-lf-wrong")
        assert (wrong.status, "sk-lf-wrong" in str(wrong)) == ("problem", False)


def test_a_full_disk_is_a_problem(check, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10, 9, 1))
    assert check("disk").status == "problem"


def test_all_that_is_wrong_names_what_mends_it_or_says_it(home):
    for item in diagnose(load_settings(home), environ={}):
        assert item.detail
        assert item.status == "ok" or item.remedy


def test_the_command_prints_one_object_for_each_check_and_1_for_a_problem(terakoya, home):
    done = terakoya("doctor", "--json")
    assert done.returncode == 0
    assert [json.loads(line).keys() for line in done.out.splitlines()] == [
        {"name", "status", "detail", "remedy"}
    ]
    (home / "busy").touch()
    done = terakoya("doctor", "--json")
    assert done.returncode == 1
    checks = {row["name"]: row for row in map(json.loads, done.out.splitlines())}
    assert checks["store"]["status"] == "problem"
    assert checks["service"]["status"] == "off"


def test_the_key_of_the_page_is_not_shown(home):
    home.mkdir(mode=0o700)
    record = {"address": "http://127.0.0.1:9", "pid": os.getpid(), "token": "t", "version": "0"}
    (home / "service.json").write_text(json.dumps({**record, "page": "http://127.0.0.1:9/?key=hidden"}))
    checks = diagnose(load_settings(home), environ={})
    assert next(check.status for check in checks if check.name == "page") == "problem"
    assert "hidden" not in str(checks)
