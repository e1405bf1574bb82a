"""A service that is killed in mid-answer, and a thumb that becomes a test: real service, page and browser."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from remembering import PROGRAM, QUESTION, fill, served
from running import until
from test_page import ROOT, Browser, browser, ended, environment, page_is_up

from evals.suite import load_suite

__all__ = ["browser"]  # a fixture


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, Path]:
    """A home whose question waits for a person, and the file that its tool writes."""
    return fill(tmp_path)


@pytest.fixture
def page(filled: tuple[Path, Path]) -> Iterator[str]:
    """The page of that home, in Japanese; its service comes and goes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = str(ROOT / "ui" / "page.py")
    started = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}"],
        env=environment(TERAKOYA_HOME=str(filled[0])),
        stdout=subprocess.DEVNULL,
        text=True,
    )
    address = f"http://127.0.0.1:{port}/"
    with ended(started):
        until(lambda: page_is_up(address))
        yield address


def test_what_a_killed_service_left_is_on_the_page_and_is_gone_on_with(
    browser: Browser,
    page: str,
    filled: tuple[Path, Path],
) -> None:
    home, written = filled
    with served(home) as client:
        browser.open(page)
        browser.ask(QUESTION)
        browser.see("このツールは何かを変更することがあります")
        client.process.send_signal(signal.SIGKILL)
        client.process.wait()
    assert not written.exists()
    with served(home) as client:
        browser.driver.refresh()
        browser.see("答える前に止まりました")
        assert [left.question for left in client.unfinished()] == [QUESTION]
        browser.click("[class*=st-key-go_on_] button")
        browser.see("このツールは何かを変更することがあります")
        assert not written.exists()
        browser.click("[class*=st-key-approve_] button")
        browser.answers(1)
        assert written.read_text(encoding="utf-8").count("メンデル") == 1
        assert client.unfinished() == []
        assert "答える前に止まりました" not in browser.text()


def test_what_a_killed_service_left_can_be_dropped(
    browser: Browser,
    page: str,
    filled: tuple[Path, Path],
) -> None:
    home, written = filled
    with served(home) as client:
        client.ask(QUESTION)
        until(lambda: [thread.state for thread in client.threads()] == ["asking"])
        client.process.send_signal(signal.SIGKILL)
        client.process.wait()
    with served(home) as client:
        browser.open(page)
        browser.click("[class*=st-key-thread_] button", "memory")
        browser.see("答える前に止まりました")
        browser.click("[class*=st-key-drop_] button")
        browser.see("何を調べましょうか？")
        assert client.unfinished() == []
        assert client.threads() == []
        assert not written.exists()


def test_a_thumb_down_becomes_a_case_that_eval_run_finds(
    browser: Browser,
    page: str,
    filled: tuple[Path, Path],
) -> None:
    home, _ = filled
    with served(home):
        browser.open(page)
        browser.ask("VLOOKUP とは何ですか？")
        browser.answers(1)
        browser.click("[data-testid=stFeedback] [role=radio]:last-of-type")
        browser.click("[data-testid=stFormSubmitButton] button", "テストにする")
        browser.see("テストになりました: complaints.yaml")
        (case,) = load_suite(home / "suites" / "complaints.yaml").cases
        assert case.question == "VLOOKUP とは何ですか？"
    run = subprocess.run(
        [*PROGRAM, "--home", str(home), "eval", "run", "complaints", "--json"],
        env=environment(TERAKOYA_EMBEDDER="none"),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode in (0, 1), run.stderr
    assert case.id in [json.loads(line).get("id") for line in run.stdout.splitlines()], run.stdout
