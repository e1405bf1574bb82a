"""The part of the page about a suite's metrics: a table with plots, trends, times, and how tags do."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from evals.change import Change, changes
from evals.comparison import difference, direction, interval, signed
from evals.html.markup import Markup, element, joined
from evals.html.plots import Point, histogram, share_bar, trend, whisker
from evals.metrics import METRICS
from evals.report import CaseResult, Report, Total
from evals.verdict import Judgement
from evals.wording import number
from terakoya.catalogue import text

if TYPE_CHECKING:
    from evals.history import Run

MOST_TRENDS: Final = 8
_COLUMNS: Final = ("metric", "value", "", "standard_error", "cases")
_COMPARED: Final = ("before", "change", "certain")


def metric_table(judgement: Judgement, baseline: Report | None) -> Markup:
    """Every metric that has a value, with what changed since the baseline."""
    report = judgement.report
    found = {change.metric: change for change in changes(report, baseline)} if baseline else {}
    columns = (*_COLUMNS, *(_COMPARED if baseline else ()))
    head = [
        element(
            "th",
            text(f"eval.column_{name}") if name else "",
            scope="col",
            class_=None if name in ("metric", "", "certain") else "number",
        )
        for name in columns
    ]
    rows = [
        element("tr", *_cells(total, found.get(total.metric), compared=bool(baseline)))
        for total in report.totals
        if total.value is not None
    ]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    return joined((element("h3", text("eval.page_metrics")), element("div", table, class_="wide")))


def _cells(total: Total, change: Change | None, *, compared: bool) -> list[Markup]:
    value, error = total.value or 0.0, total.standard_error
    former = change.before if change else None
    plot: Markup | None = None
    if _is_share(total):
        plot = whisker(value, error, former, f"{total.metric} {number(value)} ± {number(error)}")
    description = METRICS[total.metric].description if total.metric in METRICS else None
    cells = [
        element("td", total.metric, class_="name", title=description),
        element("td", number(total.value), class_="number"),
        element("td", plot),
        element("td", number(error), class_="number"),
        element("td", str(total.cases), class_="number"),
    ]
    if compared:
        cells.append(element("td", number(former), class_="number"))
        cells.append(element("td", signed(difference(change) if change else None), class_="number"))
        cells.append(element("td", _certainty(change)))
    return cells


def _certainty(change: Change | None) -> Markup | None:
    """How sure a change is; nothing where nothing changed."""
    words = interval(change) if change else ""
    if not change or not words:
        return None
    kind = {"worse": "wrong", "better": "right", "uncertain": ""}[direction(change)]
    return joined(
        (
            element("span", text(f"eval.{direction(change)}"), class_=f"pill {kind}") if kind else None,
            element("div", f"{words}, p {number(change.p_corrected)}", class_="place"),
        )
    )


def plots(judgement: Judgement, runs: "Sequence[Run]") -> Markup:
    """Metrics over the runs, those with gates first; and how long answers took."""
    report = judgement.report
    gated = [verdict.metric for verdict in judgement.verdicts]
    names = list(dict.fromkeys((*gated, *(total.metric for total in report.totals))))
    shown = []
    for name in names if len(runs) > 1 else ():
        points = _points(runs, name)
        if len(points) > 1:
            shown.append(_figure(name, trend(points, text("eval.page_trend_of", metric=name))))
        if len(shown) == MOST_TRENDS:
            break
    times = [case.latency_ms for case in report.cases if case.latency_ms is not None]
    if len(times) > 1:
        title = text("eval.page_times")
        shown.append(_figure(title, histogram(times, title, unit="ms")))
    if not shown:
        return Markup("")
    return joined((element("h3", text("eval.page_plots")), element("div", *shown, class_="plots")))


def tag_table(report: Report) -> Markup:
    """How many cases of each tag and language are right."""
    groups: defaultdict[str, list[CaseResult]] = defaultdict(list)
    for case in report.cases:
        for tag in (*case.tags, *((case.language,) if case.language else ())):
            groups[tag].append(case)
    if not groups:
        return Markup("")
    rows = []
    for tag in sorted(groups):
        right, count = sum(case.passed for case in groups[tag]), len(groups[tag])
        rows.append(
            element(
                "tr",
                element("td", tag, class_="name"),
                element("td", share_bar(right / count, f"{tag}: {right} / {count}")),
                element("td", f"{right} / {count}", class_="number"),
            )
        )
    head = element(
        "tr",
        element("th", text("eval.column_tag"), scope="col"),
        element("th", "", scope="col"),
        element("th", text("eval.column_right"), scope="col", class_="number"),
    )
    table = element("table", element("thead", head), element("tbody", *rows))
    return joined((element("h3", text("eval.page_tags")), element("div", table, class_="wide")))


def _points(runs: "Sequence[Run]", metric: str) -> list[Point]:
    points = []
    for run in runs:
        for total in run.totals:
            if total.metric == metric and total.value is not None:
                title = " ".join(part for part in (run.started[:16], run.commit, run.id) if part)
                points.append(Point(value=total.value, standard_error=total.standard_error, title=title))
    return points


def _is_share(total: Total) -> bool:
    spread = total.standard_error or 0.0
    return total.value is not None and 0.0 <= total.value <= 1.0 and spread <= 1.0


def _figure(title: str, plot: Markup) -> Markup:
    return element("figure", element("figcaption", title), plot)
