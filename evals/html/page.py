"""The page: gates first, then metrics with plots, then the cases, those that changed first.

Notes, questions and answers are other people's text. It is escaped wherever it stands (`evals/html/markup.py`),
and the page's policy lets it run nothing but its own script, and load nothing at all.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from evals.html.cases import case_list
from evals.html.markup import Markup, element, joined
from evals.html.matrix import matrix_html
from evals.html.metrics import metric_table, plots, tag_table
from evals.matrix import matrices
from evals.note import Notes
from evals.pairing import paired
from evals.report import Report
from evals.verdict import Judgement
from evals.wording import bound, outcome
from terakoya.catalogue import environment_language, text

if TYPE_CHECKING:
    from evals.history import Run


def html_report(
    judgements: Sequence[Judgement],
    *,
    baselines: Mapping[str, Report] | None = None,
    trends: "Mapping[str, Sequence[Run]] | None" = None,
    notes: Mapping[str, Notes] | None = None,
    traces: str = "",
) -> str:
    """One page for all suites, in the reader's language.

    Args:
        judgements: What is reported.
        baselines: Earlier reports by their suite, to compare with.
        trends: Runs of each suite under the same settings by the report's name, the oldest first, for plots over time.
        notes: The notes of each suite, to show the lines that retrieval found.
        traces: Address of a trace without its id at the end; ids stand there without a link where it is empty.
    """
    baselines, trends, notes = baselines or {}, trends or {}, notes or {}
    passed = all(judgement.passed for judgement in judgements)
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    pairs = {j.report.name: paired(j.report, baselines.get(j.report.suite)) for j in judgements}
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", text("eval.page_title")),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", text("eval.page_title"), " ", _pill("passed" if passed else "failed")),
            element("p", text("eval.page_about"), class_="soft"),
            class_="top",
        ),
        element(
            "main",
            element("h2", text("eval.page_gates")),
            _gates(judgements),
            *map(matrix_html, matrices(judgements)),
            *(_suite(j, baselines.get(j.report.suite), trends.get(j.report.name, ())) for j in judgements),
            case_list(pairs, {j.report.name: notes.get(j.report.suite, {}) for j in judgements}, traces),
        ),
        element("footer", text("eval.page_footer")),
        element("script", Markup(script)),
    )
    language = environment_language()
    return f"<!doctype html>\n{element('html', head, body, lang=language)}\n"


def _gates(judgements: Sequence[Judgement]) -> Markup:
    rows = [
        (verdict.status, judgement.report.name, verdict)
        for judgement in judgements
        for verdict in judgement.verdicts
    ]
    rows.sort(key=lambda row: ("failed", "unchecked", "passed").index(row[0]))
    names = ("result", "metric", "gate", *(("suite",) if len(judgements) > 1 else ()))
    return element(
        "div",
        element(
            "table",
            element("thead", element("tr", *(element("th", text(f"eval.column_{name}")) for name in names))),
            element(
                "tbody",
                *(
                    element(
                        "tr",
                        element("td", element("span", outcome(verdict), class_=f"pill {status}")),
                        element("td", verdict.metric, class_="name"),
                        element("td", bound(verdict)),
                        element("td", suite) if len(judgements) > 1 else None,
                        class_=status,
                    )
                    for status, suite, verdict in rows
                ),
            ),
        ),
        class_="wide",
    )


def _suite(judgement: Judgement, baseline: Report | None, runs: "Sequence[Run]") -> Markup:
    report = judgement.report
    title = text("eval.title", suite=report.name, cases=len(report.cases), seconds=f"{report.seconds:.1f}")
    facts = [
        text("eval.page_started", started=report.started),
        text("eval.page_digest", digest=report.digest[:12]),
        text("eval.page_settings", fingerprint=report.fingerprint),
    ]
    if report.known:
        facts.append(text("eval.page_known", known=report.known, cases=len(report.cases)))
    if runs and runs[-1].commit:
        facts.append(text("eval.page_commit", commit=runs[-1].commit))
    if baseline:
        facts.append(text("eval.page_baseline", started=baseline.started, fingerprint=baseline.fingerprint))
    return joined(
        (
            element("h2", title, " ", _pill("passed" if judgement.passed else "failed")),
            element("p", " · ".join(facts), class_="facts"),
            metric_table(judgement, baseline),
            plots(judgement, runs),
            tag_table(report),
        )
    )


def _pill(status: str) -> Markup:
    return element("span", text(f"eval.{status}"), class_=f"pill {status}")


def _asset(name: str) -> str:
    return files("evals.html").joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
