import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import Gate, Judgement, Suite, judge, run_suite
from evals.history import History
from evals.html import html_report
from evals.html.markup import Markup, element, joined
from evals.html.plots import Point, histogram, trend, whisker
from evals.testing import Reply, ScriptedTarget
from terakoya.catalogue import text

Replies = dict[str, Reply]
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick='x' ]]> <!-- \x1b[31m \ud800"
)
VOID = {"meta", "input"}


class Page(HTMLParser):
    """Elements with their attributes, and the text of each; raises where an end has no beginning."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open[-1] if self._open else "", []).append(data)

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)

    @property
    def text(self) -> str:
        return "".join(part for parts in self.texts.values() for part in parts)


def judged(suite: Suite, replies: Replies, *gates: Gate) -> Judgement:
    return judge(run_suite(suite, ScriptedTarget(replies=replies), fingerprint="f"), gates)


@pytest.fixture
def good(suite: Suite, good_replies: Replies) -> Judgement:
    return judged(suite, good_replies, *suite.gates)


@pytest.fixture
def hostile(suite: Suite, good_replies: Replies) -> Judgement:
    cases = tuple(
        replace(case, question=HOSTILE, tags=(HOSTILE,), expected=(HOSTILE,)) for case in suite.cases
    )
    reply = replace(good_replies[suite.cases[0].question], answer=HOSTILE)
    return judge(
        run_suite(
            replace(suite, name=HOSTILE, cases=cases), ScriptedTarget(otherwise=reply), fingerprint=HOSTILE
        ),
        suite.gates,
    )


def test_nothing_that_notes_or_answers_hold_becomes_markup(hostile: Judgement, good: Judgement) -> None:
    baseline = {hostile.report.suite: replace(good.report, suite=hostile.report.suite)}
    page = Page(html_report([hostile], baselines=baseline, traces="https://example.org/"))
    assert len(list(page.all("script"))) == 1
    assert list(page.all("img")) == []
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert "alert(1)" in page.text
    assert "\x1b" not in page.text


def test_the_policy_lets_the_page_run_its_own_script_and_style_and_load_nothing(good: Judgement) -> None:
    page = Page(html_report([good]))
    (policy,) = [m["content"] or "" for m in page.all("meta") if m.get("http-equiv")]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (content,) = page.texts[kind]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_the_page_needs_nothing_beside_itself(good: Judgement) -> None:
    page = html_report([good])
    assert "http://" not in page
    assert "https://" not in page
    assert not any({"src", "href", "action"} & attributes.keys() for _, attributes in Page(page).elements)


def test_gates_stand_first_and_those_that_failed_before_the_rest(suite: Suite, good_replies: Replies) -> None:
    replies = {**good_replies, suite.cases[0].question: Reply(answered=False)}
    page = html_report([judged(suite, replies, *suite.gates)])
    rows = [a["class"] for a in Page(page).all("tr") if a.get("class")]
    assert rows.index("passed") == rows.count("failed") > 0
    assert page.index(text("eval.page_gates")) < page.index(text("eval.page_metrics"))
    assert page.index(text("eval.page_metrics")) < page.index(f"<h2>{text('eval.page_cases')}")


def test_changed_cases_stand_first_with_what_was_answered_before(
    suite: Suite, good: Judgement, good_replies: Replies
) -> None:
    question = suite.cases[3].question
    broken = judged(suite, {**good_replies, question: Reply(answer="no idea", answered=False)}, *suite.gates)
    page = html_report([broken], baselines={"small": good.report})
    cases = list(Page(page).all("details"))
    assert [case["data-turn"] for case in cases] == ["broken", *["same"] * 5]
    first = page[page.index("<details") :].split("</details>")[0]
    for words in (question, "no idea", "DNS maps names [1]", text("eval.page_former")):
        assert words in first


def test_a_case_shows_what_was_found_and_the_lines_of_it(suite: Suite, good: Judgement) -> None:
    page = html_report([good], notes={"small": suite.notes})
    assert '<div class="lines hit">TCP keeps the order</div>' in page
    assert "net.md:6" in page


def test_a_trace_is_a_link_where_there_is_a_place_for_it(good: Judgement) -> None:
    trace = good.report.cases[0].trace_id
    assert f"{trace}</span>" in html_report([good])
    linked = Page(html_report([good], traces="https://traces.example/trace/"))
    addresses = [a["href"] for a in linked.all("a")]
    assert addresses[0] == f"https://traces.example/trace/{trace}"


def test_metrics_over_the_runs_are_plotted(good: Judgement, tmp_path: Path) -> None:
    with History(tmp_path / "history.duckdb", write=True) as history:
        runs = [history.add(good, settings={}, commit=f"c{n}") for n in range(3)]
    page = html_report([good], trends={"small": runs})
    assert "recall@5 over the runs" in page
    assert "c2" in page


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_speaks_the_reader_s_language(
    good: Judgement, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", language)
    page = html_report([good])
    assert f'<html lang="{language}">' in page
    assert text("eval.page_found", language=language) in page


@given(st.text(), st.text())
def test_text_and_attributes_are_escaped_wherever_they_stand(words: str, value: str) -> None:
    made = element("p", words, Markup("<b>"), joined(["</b>"]), title=value)
    inner = re.fullmatch(r'<p title="([^"<>]*)">(.*)<b>&lt;/b&gt;</p>', made, re.DOTALL)
    assert inner
    assert "<" not in inner[2]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.none() | st.floats(0, 1e6))
def test_plots_stay_within_numbers(values: list[float], error: float | None) -> None:
    points = [Point(value=value, standard_error=error, title="x") for value in values]
    for plot in (
        trend(points, "x"),
        histogram(values, "x", unit="ms"),
        whisker(values[0], error, None, "x"),
    ):
        assert "nan" not in plot
        assert "inf" not in plot.replace("interval", "")
