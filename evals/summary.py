"""The report as Markdown, for a pull request or the summary page of a CI run."""

import re
from collections.abc import Sequence
from typing import Final

from evals.verdict import Judgement
from evals.wording import bound, came, number, outcome, wanted
from terakoya.catalogue import text
from terakoya.text.normalise import printable

MOST_MISSES: Final = 50
"""Cases that are listed for a suite; a summary page holds 1 MiB."""

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#+!|~$@-])")
_ENTITIES: Final = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\t": " "})


def markdown_summary(judgements: Sequence[Judgement]) -> str:
    """One section a suite: its metrics with gates, then the cases that are not right."""
    return "\n".join(line for judgement in judgements for line in _section(judgement)) + "\n"


def _section(judgement: Judgement) -> list[str]:
    report = judgement.report
    title = text("eval.title", suite=report.suite, cases=len(report.cases), seconds=f"{report.seconds:.1f}")
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
    misses = judgement.misses
    if misses:
        count = text("eval.misses", count=len(misses), cases=len(report.cases))
        lines += [f"<details><summary>{plain(count)}</summary>", ""]
        lines.append(_row([text("eval.column_case"), text("eval.wanted"), text("eval.came")]))
        lines.append("| --- | --- | --- |")
        for case in misses[:MOST_MISSES]:
            lines.append(
                _row([f"{plain(case.id)}<br>{plain(case.question)}", plain(wanted(case)), plain(came(case))])
            )
        if len(misses) > MOST_MISSES:
            lines += ["", plain(text("eval.more", count=len(misses) - MOST_MISSES))]
        lines += ["", "</details>", ""]
    return lines


def plain(words: str) -> str:
    """`words` so that Markdown shows them as they are: answers and notes may hold any markup."""
    return _SPECIAL.sub(r"\\\1", printable(words).translate(_ENTITIES))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
