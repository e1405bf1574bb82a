"""A baseline: the reports of an earlier run, as JSON Lines, to hold later runs against."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.report import CASE_RESULT, TOTALS, CaseResult, Report, report_lines
from terakoya.errors import BadInput


def write_baseline(path: Path, reports: Sequence[Report]) -> None:
    """Writes `reports` to `path`: the lines that a run gives as JSON, without what no later run is held against.

    Hits and traces are left out: they are most of the file, which is kept with the code.

    Raises:
        BadInput: The file cannot be written.
    """
    lines = (line for report in reports for line in report_lines(_kept(report)))
    try:
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None


def read_baseline(path: Path) -> Mapping[str, Report]:
    """The reports in `path` by the name of their suite.

    Raises:
        BadInput: The file is missing, holds no report, or a line of it is not of a report.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        place = error.object[: error.start].count(b"\n") + 1
        raise BadInput("eval_baseline", path=path, line=place, reason="not UTF-8") from None
    except OSError as error:
        raise BadInput("eval_baseline_unread", path=path, reason=error.strerror or error) from None
    cases: dict[str, list[CaseResult]] = {}
    reports: dict[str, Report] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if entry["type"] == "case":
                cases.setdefault(entry["suite"], []).append(CASE_RESULT.validate_python(_fields(entry)))
            elif entry["type"] == "total":
                report = _report(entry, cases.pop(entry["suite"], []))
                reports.setdefault(report.suite, report)  # of several settings the first
            elif entry["type"] == "change":
                continue
            else:
                raise ValueError(f"unknown type {entry['type']!r}")
        except ValidationError as error:
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise BadInput("eval_baseline", path=path, line=number, reason=reason) from None
        except KeyError as error:
            reason = f"no key {error}"
            raise BadInput("eval_baseline", path=path, line=number, reason=reason) from None
        except (ValueError, TypeError) as error:
            raise BadInput("eval_baseline", path=path, line=number, reason=error) from None
        except RecursionError:
            raise BadInput("eval_baseline", path=path, line=number, reason="nested too deeply") from None
    if cases or not reports:
        raise BadInput("eval_baseline_cut", path=path)
    return reports


def _kept(report: Report) -> Report:
    return replace(report, cases=tuple(replace(case, hits=(), trace_id="") for case in report.cases))


def _fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("type", "suite")}


def _report(entry: Mapping[str, Any], cases: Sequence[CaseResult]) -> Report:
    return Report(
        suite=str(entry["suite"]),
        digest=str(entry["digest"]),
        fingerprint=str(entry["fingerprint"]),
        started=str(entry["started"]),
        seconds=float(entry["seconds"]),
        cases=tuple(cases),
        totals=TOTALS.validate_python(entry["totals"]),
    )
