"""The report as Markdown, for a pull request or the summary page of a CI run."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from evals.matrix import Matrix, cell, matrices
from evals.pairing import Pair, paired, turned
from evals.report import Report
from evals.verdict import Judgement
from evals.wording import bound, came, number, outcome, wanted
from terakoya.catalogue import text
from terakoya.text.normalise import printable

MOST_MISSES: Final = 50
"""Cases that are listed for a suite; a summary page holds 1 MiB."""

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#+!|~$@-])")
_ENTITIES: Final = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\t": " "})


def markdown_summary(
    judgements: Sequence[Judgement], *, baselines: Mapping[str, Report] | None = None
) -> str:
    """One section a suite: its metrics with gates, the cases that changed, then those that are not right.

    Args:
        judgements: What is reported.
        baselines: Earlier reports by their suite, to name the cases that changed.
    """
    former = baselines or {}
    compared = [line for found in matrices(judgements) for line in _matrix(found)]
    lines = [line for j in judgements for line in _section(j, former.get(j.report.suite))]
    return "\n".join((*compared, *lines)) + "\n"


def _matrix(found: Matrix) -> list[str]:
    """Settings side by side, before each of them."""
    head = [text("eval.column_metric"), *(plain(label) for label in found.columns)]
    lines = [
        f"## {plain(text('eval.matrix', suite=found.suite, cases=len(found.judgements[0].report.cases)))}"
    ]
    lines += ["", f"| {' | '.join(head)} |", f"| --- |{' ---: |' * len(found.columns)}"]
    for metric in found.metrics:
        cells = [number(found.judgements[0].report.total(metric).value)]
        for judgement, column in zip(found.judgements[1:], found.changes, strict=True):
            change = column.get(metric)
            words = plain(cell(number(judgement.report.total(metric).value), change).replace("\n", " "))
            cells.append(f"**{words}**" if change and change.certain else words)
        lines.append(f"| {plain(metric)} | {' | '.join(cells)} |")
    gates = " | ".join("✅" if judgement.passed else "❌" for judgement in found.judgements)
    return [*lines, f"| {text('eval.column_gate')} | {gates} |", "", plain(text("eval.matrix_how")), ""]


def _section(judgement: Judgement, baseline: Report | None) -> list[str]:
    report = judgement.report
    title = text("eval.title", suite=report.name, cases=len(report.cases), seconds=f"{report.seconds:.1f}")
    columns = [
        text(f"eval.column_{name}")
        for name in ("metric", "value", "standard_error", "cases", "gate", "result")
    ]
    lines = [
        f"## {'✅' if judgement.passed else '❌'} {plain(title)}",
        "",
        _row(columns),
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    for total in report.totals:
        verdicts = [v for v in judgement.verdicts if v.metric == total.metric]
        if total.value is not None or verdicts:
            gates = "<br>".join(plain(bound(v)) for v in verdicts)
            results = "<br>".join(plain(outcome(v)) for v in verdicts)
            numbers = [number(total.value), number(total.standard_error), str(total.cases)]
            lines.append(_row([plain(total.metric), *numbers, gates, results]))
    lines.append("")
    if report.known:
        lines += [plain(text("eval.known", known=report.known, cases=len(report.cases))), ""]
    if baseline:
        lines += _changed(paired(report, baseline))
    misses = judgement.misses
    if misses:
        count = text("eval.misses", count=len(misses), cases=len(report.cases))
        rows = [
            _row([f"{plain(case.id)}<br>{plain(case.question)}", plain(wanted(case)), plain(came(case))])
            for case in misses
        ]
        lines += _folded(count, [text("eval.column_case"), text("eval.wanted"), text("eval.came")], rows)
    return lines


def _changed(pairs: Sequence[Pair]) -> list[str]:
    changed = [pair for pair in pairs if pair.changed]
    if not changed:
        return []
    title = turned(pairs)
    columns = [
        text("eval.column_result"),
        text("eval.column_case"),
        text("eval.page_former"),
        text("eval.came"),
    ]
    rows = [
        _row(
            [
                text(f"eval.turn_{pair.turn}"),
                f"{plain(pair.case.id)}<br>{plain(pair.case.question)}",
                plain(came(pair.former)) if pair.former else "",
                plain(came(pair.case)),
            ]
        )
        for pair in changed
    ]
    return _folded(title, columns, rows)


def _folded(title: str, columns: Sequence[str], rows: Sequence[str]) -> list[str]:
    lines = [f"<details><summary>{plain(title)}</summary>", "", _row(columns)]
    lines += ["| " + " | ".join("---" for _ in columns) + " |", *rows[:MOST_MISSES]]
    if len(rows) > MOST_MISSES:
        lines += ["", plain(text("eval.more", count=len(rows) - MOST_MISSES))]
    return [*lines, "", "</details>", ""]


def plain(words: str) -> str:
    """`words` so that Markdown shows them as they are: answers and notes may hold any markup."""
    return _SPECIAL.sub(r"\\\1", printable(words).translate(_ENTITIES))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
