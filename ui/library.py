"""The notes of the reader: what is there, and adding more."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import streamlit as st

from terakoya.api import IngestReport, NoteSummary
from terakoya.client import ServiceClient
from terakoya.errors import NotFound, TerakoyaError
from ui.connection import draw_error, forget
from ui.markup import markdown, plain
from ui.note_view import open_note
from ui.runs import Follower, desk
from ui.wording import NAMES, say

PER_PAGE: Final = 12
LISTED_PROBLEMS: Final = 200


def adding() -> bool:
    """Whether an ingest is under way or its outcome waits to be read."""
    return "ingest" in st.query_params or "report" in st.session_state


def draw_adding(client: ServiceClient) -> None:
    """Upload and folder; while notes are read, how far that is; then what came of it."""
    run_id = st.query_params.get("ingest", "")
    if run_id:
        follower = desk().follow(client, run_id)
        if not follower.finished:
            st.fragment(_draw_progress, run_every=0.3)(client, run_id, follower)
            return
        _finish(follower)
        st.rerun()  # what was drawn before knows nothing of the new notes
    _draw_outcome()
    upload, folder = st.tabs([say("upload"), say("folder")])
    with upload:
        batch = st.session_state.setdefault("batch", 0)
        files = st.file_uploader(say("upload_label"), accept_multiple_files=True, key=f"files_{batch}")
        if st.button(
            say("upload_button"), key="upload", disabled=not files, type="primary" if files else "secondary"
        ):
            st.session_state["batch"] += 1
            _start(lambda: client.upload([(file.name, file.getvalue()) for file in files]).run_id)
    with folder, st.form("folder_form", border=False):
        typed = st.text_input(say("folder_label"), key="folder", placeholder=say("folder_placeholder"))
        if st.form_submit_button(say("folder_button")) and typed.strip():
            path = _pasted(typed)
            if path.is_absolute():
                _start(lambda: client.ingest([path]).run_id)
            else:
                st.warning(say("folder_relative", path=plain(typed)), icon=":material/error:")


def draw_notes(notes: Sequence[NoteSummary]) -> None:
    """The list of notes, a page at a time; a click opens one."""
    shown = list(notes)
    if len(notes) > PER_PAGE:
        wanted = st.text_input(say("filter_label"), key="filter", placeholder=say("filter_placeholder"))
        folded = wanted.casefold().strip()
        shown = [note for note in notes if folded in f"{note.source}\n{note.title}".casefold()]
    pages = max(1, -(-len(shown) // PER_PAGE))
    page = 1
    if pages > 1:
        page = st.pagination(pages, key="notes_page") or 1
    for number, note in enumerate(shown[(page - 1) * PER_PAGE : page * PER_PAGE]):
        with st.container(gap=None):
            _draw_note(note, number)
    if not shown:
        st.caption(say("filter_empty"))


def _pasted(typed: str) -> Path:
    """A path as it is typed, or as file managers and terminals copy it: in quotes, or as a `file:` address."""
    said = typed.strip()
    if said[:1] in ("'", '"') and said[-1:] == said[:1]:
        said = said[1:-1]
    if said.lower().startswith("file://"):
        said = unquote(urlsplit(said).path)
    path = Path(said)
    with suppress(RuntimeError):  # `~name` of nobody, which is no absolute path then
        path = path.expanduser()
    return path


def _draw_note(note: NoteSummary, number: int) -> None:
    st.button(
        plain(note.source),
        key=f"notebutton_{number}",
        type="tertiary",
        icon=":material/description:",
        on_click=open_note,
        args=(note.source,),
        width="stretch",
    )
    about = [say("note_chunks", count=note.chunks), NAMES.get(note.language, plain(note.language))]
    if note.repair:
        about.append(f":orange-badge[:material/healing: {say('note_repaired')}]")
    if note.problems:
        about.append(f":orange-badge[:material/warning: {say('note_problems', count=len(note.problems))}]")
    st.caption(" · ".join(about))


def _start(begin: Callable[[], str]) -> None:
    st.session_state.pop("report", None)
    try:
        st.query_params["ingest"] = begin()
    except TerakoyaError as error:
        draw_error(error)
        return
    st.rerun()


def _draw_progress(client: ServiceClient, run_id: str, follower: Follower) -> None:
    bar = st.empty()
    if st.button(say("ingest_stop"), key="ingest_stop", icon=":material/stop_circle:", type="tertiary"):
        try:
            client.cancel(run_id)
        except TerakoyaError as error:
            draw_error(error)
    for _ in follower.updates(0.8):
        part = min(1.0, follower.done / follower.total) if follower.total else 0.0
        key = "ingest_progress" if follower.what or not follower.total else "ingest_vectors"
        told = say(key, done=follower.done, total=follower.total or "?", what=plain(follower.what))
        bar.progress(part, text=told)
    if follower.finished:
        st.rerun()


def _finish(follower: Follower) -> None:
    del st.query_params["ingest"]
    if isinstance(follower.error, NotFound):  # a run of an earlier service, in a URL that was kept
        return
    outcome = follower.error or IngestReport.model_validate(follower.result)
    st.session_state["report"] = outcome
    forget("notes", "status", "note:", "related:")
    st.session_state["announce"] = isinstance(outcome, IngestReport)


def _draw_outcome() -> None:
    outcome = st.session_state.get("report")
    if outcome is None:
        return
    if isinstance(outcome, TerakoyaError):
        draw_error(outcome)
    else:
        if st.session_state.pop("announce", False):  # on a narrow screen the side bar is closed
            st.toast(_summary(outcome), icon=":material/check_circle:")
        st.success(_summary(outcome), icon=":material/check_circle:")
        if outcome.problems:
            with st.expander(
                say("problems", count=len(outcome.problems)), icon=":material/warning:", expanded=True
            ):
                for problem in outcome.problems[:LISTED_PROBLEMS]:
                    st.markdown(f"**{plain(problem.path)}**  \n{markdown(problem.message)}")
                if outcome.dropped:
                    st.markdown(say("not_kept", files=", ".join(plain(name) for name in outcome.dropped)))
    st.button(
        say("dismiss"), key="dismiss", type="tertiary", on_click=st.session_state.pop, args=("report", None)
    )


def _summary(report: IngestReport) -> str:
    told = say(
        "report",
        added=len(report.added),
        changed=len(report.changed) + len(report.renamed),
        deleted=len(report.deleted),
        unchanged=report.unchanged,
    )
    return f"{told} {say('problems', count=len(report.problems))}" if report.problems else told
