"""The part of the page that holds several settings side by side."""

from evals.comparison import direction
from evals.html.markup import Markup, element, joined
from evals.matrix import Matrix, gates, moved
from evals.wording import number
from terakoya.catalogue import text


def matrix_html(found: Matrix) -> Markup:
    """A table of metrics by settings."""
    head = [element("th", text("eval.column_metric"), scope="col")]
    head += [element("th", label, scope="col", class_="number") for label in found.columns]
    rows = []
    for metric in found.metrics:
        value = number(found.judgements[0].report.total(metric).value)
        cells = [element("td", metric, class_="name"), element("td", value, class_="number")]
        for judgement, column in zip(found.judgements[1:], found.changes, strict=True):
            change = column.get(metric)
            kind = {"worse": "pill wrong", "better": "pill right", "uncertain": "place"}
            shown = [number(judgement.report.total(metric).value)]
            if words := moved(change):
                shown.append(element("div", words, class_=kind[direction(change)] if change else "place"))
            cells.append(element("td", *shown, class_="number"))
        rows.append(element("tr", *cells))
    marks = [element("td", gates(judgement), class_="number") for judgement in found.judgements]
    rows.append(element("tr", element("td", text("eval.column_gate"), class_="name"), *marks))
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    title = text("eval.matrix", suite=found.suite, cases=len(found.judgements[0].report.cases))
    return joined(
        (
            element("h2", title),
            element("p", text("eval.matrix_how"), class_="facts"),
            element("div", table, class_="wide"),
        )
    )
