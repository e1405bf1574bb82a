"""The report of an eval in a real browser, from a file."""

import json
from pathlib import Path

import pytest

from evals import judge, load_suite, run_suite
from evals.html import html_report
from evals.testing import Reply, ScriptedTarget
from tests.e2e import test_page
from tests.e2e.test_page import Browser

SUITE = """\
name: small
notes: notes
cases:
  - {id: index, question: What does an index do?, tags: [database], expected: [faster]}
  - {id: view, question: ビューとは, language: ja, tags: [database, "<b>"], expected: [問い合わせ]}
  - {id: tokyo, question: How many people live in Tokyo?, answerable: false}
"""
ANSWERS = {
    "What does an index do?": Reply(
        answer="<script>document.title = 'run'</script><img src=//example.org/x>"
    ),
    "ビューとは": Reply(answer="保存した問い合わせ"),
    "How many people live in Tokyo?": Reply(answered=False),
}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "db.md").write_text("An index makes search faster\n")
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    report = run_suite(load_suite(tmp_path / "suite.yaml"), ScriptedTarget(replies=ANSWERS))
    path = tmp_path / "evals.html"
    path.write_text(html_report([judge(report, ())]), encoding="utf-8")
    return path


browser = test_page.browser


def shown(browser: Browser) -> list[str]:
    return list(
        browser.script("""
        return [...document.querySelectorAll('details.case')].filter(c => !c.hidden)
            .map(c => c.querySelector('.id').textContent.split(' ')[0])""")
    )


def choose(browser: Browser, name: str, value: str) -> None:
    browser.driver.execute_script(
        "const c = document.querySelector(`[name=${arguments[0]}]`); c.value = arguments[1];"
        "c.dispatchEvent(new Event('input'))",
        name,
        value,
    )


def requests(browser: Browser) -> list[str]:
    entries = (json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance"))
    return [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]


def test_the_report_filters_loads_nothing_and_runs_nothing_of_an_answer(page: Path, browser: Browser) -> None:
    browser.open(page.as_uri())
    assert shown(browser) == ["index", "view", "tokyo"]
    choose(browser, "words", "ﾋﾞｭｰ 保存")
    assert shown(browser) == ["view"]
    choose(browser, "words", "")
    choose(browser, "state", "wrong")
    assert shown(browser) == ["index"]
    choose(browser, "state", "")
    choose(browser, "tag", "<b>")
    assert shown(browser) == ["view"]
    browser.script("document.querySelector('[name=open]').click()")
    assert browser.script("return document.querySelectorAll('details[open]').length") == 1
    assert browser.driver.title == "Evaluation"
    assert set(requests(browser)) == {page.as_uri()}


def test_the_report_fits_a_phone(page: Path, browser: Browser) -> None:
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True},
    )
    browser.open(page.as_uri())
    browser.script("document.querySelectorAll('details.case').forEach(c => { c.open = true })")
    width = browser.script("return document.documentElement.scrollWidth")
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width == 360
