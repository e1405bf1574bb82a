"""The side bar: conversations, notes, choices and the state of the installation."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from terakoya.api import Check, NoteSummary, ThreadSummary
from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from ui.connection import DAMAGED, draw_error, fresh
from ui.conversation import begin_thread, switch_thread
from ui.facts import draw_facts
from ui.library import adding, draw_adding, draw_notes
from ui.markup import plain
from ui.views import chosen, enter, leave
from ui.wording import NAMES, language, say, say_or

EFFORTS: Final = ("fast", "normal", "deep")
LISTED: Final = 8
_ICONS: Final = {
    "quiet": ":material/chat_bubble:",
    "running": ":material/hourglass_top:",
    "asking": ":material/front_hand:",
    "unfinished": ":material/pause_circle:",
}
_SIGNS: Final = {
    "ok": ":green[:material/check_circle:]",
    "off": ":gray[:material/do_not_disturb_on:]",
    "building": ":blue[:material/pending:]",
    "problem": ":orange[:material/warning:]",
}


def draw_sidebar(client: ServiceClient, notes: Sequence[NoteSummary]) -> None:
    """All of the side bar but the state, which is slow to come by."""
    draw_name()
    st.button(
        say("new_thread"),
        key="new_thread",
        icon=":material/edit_square:",
        width="stretch",
        on_click=begin_thread,
    )
    _draw_threads(client)
    if notes:
        st.button(
            say("arena_leave" if chosen("arena") else "arena_enter"),
            key="arena",
            icon=":material/forum:" if chosen("arena") else ":material/balance:",
            type="tertiary",
            width="stretch",
            on_click=leave if chosen("arena") else partial(enter, "arena"),
        )
        chunks = sum(note.chunks for note in notes)
        with st.expander(say("notes", count=len(notes), chunks=chunks), icon=":material/library_books:"):
            draw_notes(notes)
        with st.expander(say("add_notes"), icon=":material/note_add:", expanded=adding()):
            draw_adding(client)
    draw_facts(client)
    st.segmented_control(
        say("effort"),
        EFFORTS,
        format_func=lambda effort: say(f"effort_{effort}"),
        default="normal",
        required=True,
        key="effort",
        persist_state="session",
        help=say("effort_help"),
        width="stretch",
    )


def draw_name() -> None:
    """The product's name."""
    st.markdown(f"## :primary[:material/school:] {say('title')}", anchors=False)


def draw_language() -> None:
    """The choice of language."""
    key = f"language_{language()}"
    st.segmented_control(
        say("language"),
        list(NAMES),
        format_func=NAMES.__getitem__,
        default=language(),
        required=True,
        key=key,
        on_change=_speak,
        args=(key,),
        width="stretch",
    )


def draw_status(client: ServiceClient) -> None:
    """What works and what does not; the model's line always in sight."""
    try:
        status = fresh(f"status:{language()}", 30, client.status)
    except TerakoyaError as error:
        st.caption(f"{_SIGNS['problem']} {plain(error.message(language()))}")
        return
    for check in status.checks:
        if check.status == "building" or check.name in ("engine", "model"):
            _draw_check(check, remedy=check.status == "problem")
    problems = sum(check.status == "problem" for check in status.checks)
    label = say("state_problems", count=problems) if problems else say("state_well")
    with st.expander(label, icon=":material/warning:" if problems else ":material/monitor_heart:"):
        for check in status.checks:
            _draw_check(check, remedy=check.status != "ok")
        st.button(
            say("stats_title"),
            key="statistics",
            type="tertiary",
            icon=":material/bar_chart:",
            on_click=enter,
            args=("statistics",),
        )
        st.caption(say("state_about", version=plain(status.version), home=plain(status.home)))


def _draw_check(check: Check, *, remedy: bool) -> None:
    name = say_or(f"check_{check.name}", plain(check.name))
    line = f"{_SIGNS[check.status]} **{name}** {plain(check.detail)}"
    st.caption(f"{line}  \n{plain(check.remedy)}" if check.remedy and remedy else line)


def _draw_threads(client: ServiceClient) -> None:
    try:
        threads = fresh("threads", 20, client.threads)
    except TerakoyaError as error:
        if error.key != DAMAGED:
            raise
        draw_error(error)  # questions are answered all the same
        return
    if not threads:
        return
    current = st.query_params.get("thread", "")
    st.caption(say("threads"))
    everything = st.session_state.get("all_threads", False)
    with st.container(gap=None, height=320 if everything and len(threads) > LISTED else "content"):
        for number, thread in enumerate(threads if everything else threads[:LISTED]):
            st.button(
                plain(thread.title) or say("untitled"),
                key=f"thread_{number}",
                type="secondary" if thread.thread_id == current else "tertiary",
                icon=_ICONS[thread.state],
                help=_about(thread),
                width="stretch",
                on_click=switch_thread,
                args=(thread.thread_id,),
            )
    if len(threads) > LISTED and not everything:
        st.button(
            say("all_threads", count=len(threads)),
            key="all_threads_button",
            type="tertiary",
            on_click=st.session_state.update,
            args=({"all_threads": True},),
        )


def _about(thread: ThreadSummary) -> str:
    """When it changed last, and what goes on in it; conversations may have the same title."""
    when = datetime.fromisoformat(thread.updated)
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        zone = ZoneInfo("UTC")
    told = f"{when.astimezone(zone):%Y-%m-%d %H:%M}"
    return told if thread.state == "quiet" else f"{told} · {say(f'thread_{thread.state}')}"


def _speak(key: str) -> None:
    chosen = st.session_state.get(key)
    if chosen in NAMES:
        st.query_params["lang"] = chosen
