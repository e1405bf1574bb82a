"""The part of the page about the cases: what was asked, expected, answered, cited and found."""

import json
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from evals.html.markup import Markup, element, joined
from evals.note import Notes
from evals.pairing import ORDER, Pair
from evals.report import CaseResult, Place
from evals.wording import number
from terakoya.catalogue import text

SHOWN_HITS: Final = 5
LONGEST: Final = 700
"""Code points of a found passage that are shown."""
STATES: Final = ("wrong", "right", "error")


def case_list(pairs: Mapping[str, Sequence[Pair]], notes: Mapping[str, Notes], traces: str) -> Markup:
    """All cases of all suites with their tools; what changed stands first, and what is not right before the rest."""
    listed = [(suite, pair) for suite, of_suite in pairs.items() for pair in of_suite]
    listed.sort(key=lambda entry: (ORDER.index(entry[1].turn), entry[1].case.passed))
    tags = sorted({tag for _, pair in listed for tag in pair.case.tags})
    turns = [turn for turn in ORDER if turn != "same" and any(pair.turn == turn for _, pair in listed)]
    several = len(pairs) > 1
    return joined(
        (
            element("h2", text("eval.page_cases")),
            _tools(tags, turns),
            *(_case(pair, suite if several else "", notes.get(suite, {}), traces) for suite, pair in listed),
        )
    )


def _tools(tags: Sequence[str], turns: Sequence[str]) -> Markup:
    def option(value: str, label: str) -> Markup:
        return element("option", label, value=value)

    states = [option("", text("eval.page_all"))]
    if turns:
        states.append(option("changed", text("eval.page_changed")))
    states += [option(turn, text(f"eval.turn_{turn}")) for turn in turns]
    states += [option(state, text(f"eval.state_{state}")) for state in STATES]
    return element(
        "div",
        element(
            "input",
            type="search",
            name="words",
            placeholder=text("eval.page_search"),
            aria_label=text("eval.page_search"),
        ),
        element("select", *states, name="state", aria_label=text("eval.page_state")),
        element(
            "select",
            option("", text("eval.page_every_tag")),
            *(option(tag, tag) for tag in tags),
            name="tag",
            aria_label=text("eval.column_tag"),
        ),
        element("button", text("eval.page_open"), type="button", name="open"),
        element("button", text("eval.page_close"), type="button", name="close"),
        element("output", "", class_="soft", aria_live="polite"),
        class_="tools",
        hidden=True,
    )


def _case(pair: Pair, suite: str, notes: Notes, traces: str) -> Markup:
    case = pair.case
    state = "error" if case.error else "right" if case.passed else "wrong"
    return element(
        "details",
        element(
            "summary",
            element("span", text(f"eval.state_{state}"), class_=f"pill {state}"),
            element("span", text(f"eval.turn_{pair.turn}"), class_=f"pill {pair.turn}")
            if pair.changed
            else None,
            element("span", case.question, class_="question", lang=case.language or None),
            element("span", " · ".join(part for part in (suite, case.id, *case.tags) if part), class_="id"),
        ),
        element("div", *_body(pair, notes, traces), class_="body", lang=case.language or None),
        class_=f"case {state}",
        data_state=state,
        data_turn=pair.turn,
        data_tags=json.dumps(case.tags),
    )


def _body(pair: Pair, notes: Notes, traces: str) -> list[Markup]:
    case = pair.case
    parts = []
    if case.earlier:
        parts += [_title("page_earlier"), element("p", "\n".join(case.earlier), class_="said")]
    parts += [_title("page_expected"), _expected(case)]
    now = element("div", _title("page_answer"), *_answer(case))
    if pair.former and pair.turn in ("broken", "mended", "other"):
        before = element("div", _title("page_former"), *_answer(pair.former))
        parts.append(element("div", now, before, class_="sides"))
    else:
        parts.append(now)
    if case.hits:
        parts += [_title("page_found"), *_hits(case, notes)]
    parts += [_title("page_metrics"), _measures(pair)]
    facts = [case.model] if case.model else []
    if case.latency_ms is not None:
        facts.append(f"{number(case.latency_ms)} ms")
    trace: Markup | None = None
    if case.trace_id:
        shown = text("eval.page_trace", trace=case.trace_id)
        address = f"{traces}{quote(case.trace_id, safe='')}"
        trace = element("a", shown, href=address, rel="noopener noreferrer") if traces else Markup("")
        trace = trace or element("span", shown)
    parts.append(element("p", " · ".join(facts), " · " if facts and trace else None, trace, class_="place"))
    return parts


def _expected(case: CaseResult) -> Markup:
    if not case.answerable:
        return element("p", text("eval.wanted_nothing"))
    rows = [
        element("li", words, class_="missing" if words in case.missing and case.answered else None)
        for words in case.expected
    ]
    rows += [
        element(
            "li",
            element("span", _where(p.source, *_ends(p.lines)), class_="place"),
            element("blockquote", p.text) if p.text else None,
        )
        for p in case.passages
    ]
    return element("ul", *rows, class_="expected")


def _answer(case: CaseResult) -> list[Markup]:
    if case.error:
        return [element("p", case.error, class_="said missing")]
    parts = []
    if case.answered is False:
        parts.append(element("p", element("span", text("eval.page_declined"), class_="pill")))
    if case.answer:
        parts.append(element("p", case.answer, class_="said"))
    if case.missing and case.answered:
        words = text("eval.page_missing", missing=" · ".join(case.missing))
        parts.append(element("p", words, class_="missing"))
    if case.forbidden:
        words = text("eval.page_forbidden", forbidden=" · ".join(case.forbidden))
        parts.append(element("p", words, class_="missing"))
    for n, place in enumerate(case.citations, 1):
        parts.append(
            element("p", f"[{n}] {_where(place.source, place.start_line, place.end_line)}", class_="place")
        )
        parts.append(element("blockquote", place.quote))
    return parts


def _hits(case: CaseResult, notes: Notes) -> list[Markup]:
    parts = []
    for rank, hit in enumerate(case.hits[:SHOWN_HITS], 1):
        where = f"{rank}. {_where(hit.source, hit.start_line, hit.end_line)}"
        if hit.score is not None:
            where += f"  ({number(hit.score)})"
        meant = any(p.overlaps(hit.source, hit.start_line, hit.end_line) for p in case.passages)
        parts.append(element("p", where, class_="place"))
        if lines := _lines(hit, notes):
            parts.append(element("div", lines, class_="lines hit" if meant else "lines"))
    if len(case.hits) > SHOWN_HITS:
        rest = [_where(h.source, h.start_line, h.end_line) for h in case.hits[SHOWN_HITS:]]
        parts.append(element("p", " · ".join(rest), class_="place"))
    return parts


def _lines(place: Place, notes: Notes) -> str:
    note = notes.get(place.source)
    if note is None:
        return ""
    words = "\n".join(note.lines[place.start_line - 1 : place.end_line]).strip("\n")
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _measures(pair: Pair) -> Markup:
    former = pair.former.metrics if pair.former else {}
    shown = []
    for name, value in pair.case.metrics.items():
        before = former.get(name)
        moved = f" ({number(before)})" if before is not None and abs(before - value) > 1e-9 else ""
        shown.append(element("span", f"{name} {number(value)}{moved}", class_="pill"))
    return element("div", *shown, class_="measures")


def _title(key: str) -> Markup:
    return element("h3", text(f"eval.{key}"))


def _where(source: str, start_line: int, end_line: int) -> str:
    return f"{source}:{start_line}" if start_line == end_line else f"{source}:{start_line}-{end_line}"


def _ends(lines: Sequence[int]) -> tuple[int, int]:
    return (min(lines), max(lines)) if lines else (0, 0)
