"""Suites, metrics, runner and gates: whether a change made answers better."""

from evals.baseline import read_baseline, write_baseline
from evals.case import Case, ExpectedPassage
from evals.gate import Gate
from evals.junit import junit_xml
from evals.metrics import METRICS, Metric, Observation, case_metric, suite_metric
from evals.report import CaseResult, Report, Total, report_lines
from evals.runner import run_suite
from evals.suite import Suite, load_suite, load_suites
from evals.summary import markdown_summary
from evals.table import print_report
from evals.verdict import Judgement, Verdict, judge, judgement_lines

__all__ = [
    "METRICS",
    "Case",
    "CaseResult",
    "ExpectedPassage",
    "Gate",
    "Judgement",
    "Metric",
    "Observation",
    "Report",
    "Suite",
    "Total",
    "Verdict",
    "case_metric",
    "judge",
    "judgement_lines",
    "junit_xml",
    "load_suite",
    "load_suites",
    "markdown_summary",
    "print_report",
    "read_baseline",
    "report_lines",
    "run_suite",
    "suite_metric",
    "write_baseline",
]
