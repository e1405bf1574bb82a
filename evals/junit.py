"""The report as JUnit XML, which CI systems read."""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from evals.report import CaseResult
from evals.verdict import Judgement, Verdict
from evals.wording import bound, came, number, outcome, wanted
from terakoya.text.normalise import printable

# XML 1.0, section 2.2: what is left of the characters that a document cannot hold once `printable` is done.
_NOT_XML: Final = re.compile("[\ufffe\uffff]")


def junit_xml(judgements: Sequence[Judgement]) -> bytes:
    """One test suite a suite, with one test case for each bound of a gate and each case.

    A failed bound is a failure, a case on which the target raised is an error, a case that is not right is
    a failure; but where all gates hold, both are marked as skipped, as test runners mark a failure that was
    expected. So the file is red exactly where the command fails.
    """
    root = Element("testsuites", name="terakoya eval")
    for judgement in judgements:
        _suite(root, judgement)
    for attribute in ("tests", "failures", "errors", "skipped"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _suite(root: Element, judgement: Judgement) -> None:
    report = judgement.report
    suite = SubElement(
        root,
        "testsuite",
        name=_clean(report.name),
        timestamp=_clean(report.started.removesuffix("+00:00")),
        time=f"{report.seconds:.3f}",
    )
    properties = SubElement(suite, "properties")
    SubElement(properties, "property", name="digest", value=_clean(report.digest))
    SubElement(properties, "property", name="fingerprint", value=_clean(report.fingerprint))
    for total in report.totals:
        if total.value is not None:
            SubElement(properties, "property", name=total.metric, value=repr(total.value))
    for verdict in judgement.verdicts:
        _gate(suite, report.name, verdict)
    for case in report.cases:
        _case(suite, report.name, case, tolerated=judgement.passed)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _gate(suite: Element, name: str, verdict: Verdict) -> None:
    title = _clean(f"{verdict.metric} {verdict.bound} {verdict.case}".rstrip())
    element = SubElement(suite, "testcase", classname=_clean(f"{name}.gates"), name=title, time="0")
    message = f"{verdict.metric} {number(verdict.value)}, {bound(verdict)}: {outcome(verdict)}"
    if verdict.status == "failed":
        SubElement(element, "failure", message=_clean(message), type="gate")
    elif verdict.status == "unchecked":
        SubElement(element, "skipped", message=_clean(message))


def _case(suite: Element, name: str, case: CaseResult, *, tolerated: bool) -> None:
    seconds = (case.latency_ms or 0.0) / 1000
    element = SubElement(
        suite, "testcase", classname=_clean(f"{name}.cases"), name=_clean(case.id), time=f"{seconds:.3f}"
    )
    if case.passed:
        return
    message = _clean(f"{case.question} | {wanted(case)} | {came(case)}")
    if tolerated:
        SubElement(element, "skipped", message=message)
    elif case.error:
        SubElement(element, "error", message=message, type="error").text = _clean(case.error)
    else:
        SubElement(element, "failure", message=message, type="miss").text = _clean(case.answer)


def _clean(words: str) -> str:
    return _NOT_XML.sub("\ufffd", printable(words))
