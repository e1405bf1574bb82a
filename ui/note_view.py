"""A note with line numbers in a drawer, the cited lines marked and in sight."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from terakoya.api import ForgetRequest
from terakoya.client import ServiceClient
from terakoya.errors import NotFound, TerakoyaError
from ui.connection import draw_error, forget, fresh
from ui.markup import markdown, plain
from ui.places import place
from ui.wording import say

AROUND: Final = 40
"""Lines shown above and below the cited ones at first."""
STEP: Final = 200
RELATED: Final = 3
NEAR: Final = 0.14
"""Score from which a passage counts as related: docs/search.md, "Related passages", tells what it was chosen on."""
FEW: Final = 3
"""Problems of a note that are shown without a click."""
WHOLE: Final = 3000
"""Longest part that is sent to the browser at once, in lines."""

_MISREAD: Final = re.compile(r"utf-8 read as (?P<page>[\w-]+)(?P<lost>, bytes lost)?")

# It holds numbers only, never text of a note.
_SCROLL = """<script>
(function look(tries) {{
  const cited = document.querySelector('.tk-note[data-view="{view}"] .tk-cited');
  if (cited) cited.scrollIntoView({{block: 'center'}});
  else if (tries) setTimeout(look, 50, tries - 1);
}})(40);
</script>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the drawer shows.

    Attributes:
        source: The note.
        cited_first: First cited line, 0 for none.
        cited_last: Last cited line.
        first: First line in view, from 1.
        last: Last line in view; may lie behind the end of the note.
        view: Number of the opening, so that each scrolls for itself.
        quote: What is cited of these lines.
        marks: What of the quote stands out, as offsets in it.
    """

    source: str
    cited_first: int
    cited_last: int
    first: int
    last: int
    view: int
    quote: str = ""
    marks: tuple[tuple[int, int], ...] = ()


def open_note(
    source: str, first: int = 0, last: int = 0, *, quote: str = "", marks: tuple[tuple[int, int], ...] = ()
) -> None:
    """Opens a note; with lines, at these; with a quote from them, with what of it is to stand out."""
    view = st.session_state.get("views", 0) + 1
    st.session_state["views"] = view
    st.session_state["opened"] = Opened(
        source=source,
        cited_first=first,
        cited_last=last,
        first=max(1, first - AROUND),
        last=max(first, last) + AROUND,
        view=view,
        quote=quote,
        marks=marks,
    )


def close_note() -> None:
    """Closes the drawer."""
    st.session_state.pop("opened", None)


def draw_opened_note(client: ServiceClient) -> None:
    """The drawer, where a note is open."""
    if removed := st.session_state.pop("removed", ""):
        st.toast(say("note_removed", file=plain(removed)), icon=":material/delete:")
    opened: Opened | None = st.session_state.get("opened")
    if opened is None:
        return
    title = plain(opened.source)
    drawer = st.dialog(
        title, width="medium", position="right", on_dismiss=close_note, icon=":material/description:"
    )
    drawer(_draw)(client)


def _draw(client: ServiceClient) -> None:
    opened: Opened | None = st.session_state.get("opened")
    if opened is None:
        return
    try:
        note = fresh(f"note:{opened.source}", 60, lambda: client.note(opened.source))
    except TerakoyaError as error:
        draw_error(error)
        return
    _draw_problems(client, opened.source)
    lines = note.text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    first = max(1, min(opened.first, len(lines)))
    last = min(len(lines), max(opened.last, first), first + WHOLE - 1)
    cited = range(opened.cited_first, opened.cited_last + 1)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(say("note_lines", first=first, last=last, total=len(lines)))
        if first > 1:
            _mover("earlier", "arrow_upward", opened, max(1, first - STEP), last)
        if last < len(lines):
            _mover("later", "arrow_downward", opened, first, last + STEP)
        if first > 1 or last < len(lines):
            whole_first = 1 if len(lines) <= WHOLE else max(1, opened.cited_first - WHOLE // 2)
            _mover("whole", "unfold_more", opened, whole_first, whole_first + WHOLE - 1)
    marks = _marks_by_line(lines, opened)
    st.html(_page(lines[first - 1 : last], first, cited, marks, opened.view, note.title or note.source))
    if cited and cited[0]:
        st.html(_SCROLL.format(view=opened.view), unsafe_allow_javascript=True)
    _draw_related(client, opened)
    _draw_removal(client, opened)


def _draw_problems(client: ServiceClient, source: str) -> None:
    """What the ingest found to tell about the note, which the list of notes has."""
    note = next((note for note in fresh("notes", 30, client.notes) if note.source == source), None)
    if note and note.repair:
        st.caption(f":material/healing: {_repair(note.repair)}")
    problems = note.problems if note else []
    if problems:
        label = say("note_problems", count=len(problems))
        with st.expander(label, icon=":material/warning:", expanded=len(problems) <= FEW):
            for problem in problems:
                st.markdown(markdown(problem.message))


def _repair(repair: str) -> str:
    """What was mended, in words; `repair` is as `NoteSummary` has it."""
    found = _MISREAD.fullmatch(repair)
    if not found:
        return say("note_repaired_bytes")
    return say("note_repaired_lost" if found["lost"] else "note_repaired_from", page=plain(found["page"]))


def _draw_related(client: ServiceClient, opened: Opened) -> None:
    """Below the note the passages most like the cited one, or like the note; a click opens one."""
    line = opened.cited_first or None
    hits = fresh(
        f"related:{opened.source}:{line}", 60, lambda: client.related(opened.source, line, k=RELATED)
    ).hits
    # of what is found at all the best comes first; far behind it stands what shares a few words
    hits = [hit for hit in hits if hit.score >= max(NEAR, hits[0].score / 2)]
    if not hits:
        return
    st.caption(say("related"))
    with st.container(gap=None, key="related"):
        for number, hit in enumerate(hits):
            if st.button(
                place(hit), key=f"related_{number}", type="tertiary", icon=":material/arrow_outward:"
            ):
                open_note(hit.source, hit.start_line, hit.end_line)
                st.rerun()  # the whole page, as the drawer has another title now


def _draw_removal(client: ServiceClient, opened: Opened) -> None:
    """Takes an uploaded file away, at the second click; a folder's notes would come back from their files."""
    notes = fresh("notes", 30, client.notes)
    upload = next((note.upload for note in notes if note.source == opened.source), "")
    if not upload:
        return
    with st.expander(say("note_remove"), icon=":material/delete:"):
        st.markdown(say("note_remove_about", file=plain(upload)))
        if st.button(say("note_remove_now"), key="note_remove", icon=":material/delete:", type="primary"):
            try:
                client.forget(ForgetRequest(source=upload))
            except NotFound:
                pass  # another tab was quicker
            except TerakoyaError as error:
                draw_error(error)
                return
            forget()
            close_note()
            st.session_state["removed"] = upload
            st.rerun()


def _mover(name: str, icon: str, opened: Opened, first: int, last: int) -> None:
    st.button(
        say(f"note_{name}"),
        key=f"note_{name}",
        icon=f":material/{icon}:",
        type="tertiary",
        on_click=_move,
        args=(opened, first, last),
    )


def _move(opened: Opened, first: int, last: int) -> None:
    # A part longer than the browser is sent moves on: its far end goes out of view.
    if last - first >= WHOLE:
        first, last = (first, first + WHOLE - 1) if first < opened.first else (last - WHOLE + 1, last)
    st.session_state["opened"] = replace(opened, first=first, last=last)


def _marks_by_line(lines: list[str], opened: Opened) -> dict[int, list[tuple[int, int]]]:
    """What stands out, by the number of its line and in offsets of it."""
    begin = max(0, opened.cited_first - 1)
    at = "\n".join(lines[begin : opened.cited_last]).find(opened.quote) if opened.quote else -1
    marks: dict[int, list[tuple[int, int]]] = {}
    if at < 0:  # the note has changed since it was cited
        return marks
    start = -at
    for number, line in enumerate(lines[begin : opened.cited_last], begin + 1):
        within = [(first - start, last - start) for first, last in opened.marks]
        marks[number] = [(first, last) for first, last in within if first >= 0 and last <= len(line)]
        start += len(line) + 1
    return marks


def _line(line: str, marks: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in marks:
        parts += [
            html.escape(line[at:start]),
            f'<mark class="tk-term">{html.escape(line[start:end])}</mark>',
        ]
        at = end
    return "".join([*parts, html.escape(line[at:])]) or "&nbsp;"


def _page(
    lines: list[str],
    first: int,
    cited: range,
    marks: Mapping[int, Sequence[tuple[int, int]]],
    view: int,
    title: str,
) -> str:
    rows = []
    for number, line in enumerate(lines, first):
        tag = "mark" if number in cited else "span"
        row = "tk-line tk-cited" if number in cited else "tk-line"
        rows.append(
            f'<div class="{row}"><span class="tk-number">{number}</span>'
            f'<{tag} class="tk-text">{_line(line, marks.get(number, ()))}</{tag}></div>'
        )
    label = html.escape(title, quote=True)
    return f'<div class="tk-note" data-view="{view}" role="region" aria-label="{label}">{"".join(rows)}</div>'
