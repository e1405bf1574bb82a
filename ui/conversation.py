"""The conversation: questions, answers as they grow, sources and thumbs."""

from collections.abc import Collection, Sequence
from typing import Final, Literal

import streamlit as st

from terakoya.api import (
    MAX_QUESTION,
    ApprovalModel,
    AskResult,
    NoteSummary,
    Thread,
    TurnModel,
)
from terakoya.catalogue import text as sentence
from terakoya.client import ServiceClient
from terakoya.errors import NotFound, TerakoyaError
from ui.approval import draw_approval
from ui.connection import DAMAGED, draw_error, forget, fresh
from ui.markup import markdown, pieces, plain
from ui.meanwhile import draw_meanwhile
from ui.runs import Follower, desk
from ui.sources import draw_sources
from ui.thumbs import draw_thumbs
from ui.unfinished import draw_unfinished
from ui.wording import language, say, say_or

SHOWN: Final = 30
"""Turns of a long conversation that are drawn at first."""
_COURTESY: Final = frozenset({"talk", "memory"})
"""Steps that answer without the notes: nothing was looked for in vain."""
READER: Final = ":material/person:"
SCHOOL: Final = ":material/school:"


def draw_conversation(client: ServiceClient, notes: Sequence[NoteSummary]) -> None:
    """The thread of the URL with its answers, and the line to ask in."""
    typed = st.chat_input(say("ask_placeholder"), key="ask", max_chars=MAX_QUESTION)
    question = typed or st.session_state.pop("asked", None)
    thread = _thread(client)
    if thread:
        _settle(client, thread)
    if question and question.strip():
        thread = _ask(client, question.strip(), thread) or thread
    if thread is None:
        if "unasked" not in st.session_state:
            _draw_start(notes)
    else:
        _draw_turns(client, thread)
        draw_unfinished(client, thread)
    _draw_unasked()


def begin_thread() -> None:
    """Leaves the conversation for a new one."""
    switch_thread("")


def switch_thread(thread_id: str) -> None:
    """Goes to another conversation."""
    for name in ("thread", "run", "view"):
        st.query_params.pop(name, None)
    if thread_id:
        st.query_params["thread"] = thread_id
    st.session_state.pop("unasked", None)
    st.session_state.pop("all_turns", None)


def _thread(client: ServiceClient) -> Thread | None:
    thread_id, run_id = st.query_params.get("thread", ""), st.query_params.get("run", "")
    if not thread_id:
        return None
    try:
        thread = fresh(f"thread:{thread_id}", 60, lambda: client.thread(thread_id))
    except TerakoyaError as error:
        if not (isinstance(error, NotFound) or error.key == DAMAGED):
            raise
        thread = Thread(thread_id=thread_id, turns=[])
    if run_id and all(turn.run_id != run_id for turn in thread.turns):
        try:
            state = client.run(run_id)
        except NotFound:
            state = None
        if state is None or state.status == "done":
            del st.query_params["run"]
        else:
            thread.turns.append(TurnModel(question=state.question, result=None, run_id=run_id))
    if not thread.turns and not thread.unfinished:
        switch_thread("")
        return None
    return thread


def _settle(client: ServiceClient, thread: Thread) -> None:
    """Brings in what has ended since."""
    for turn in list(thread.turns):  # each, as another tab may have asked in this thread too
        if turn.result is not None or not turn.run_id:
            continue
        follower = desk().follow(client, turn.run_id)
        if not follower.finished:
            continue
        if follower.withdrawn:
            _let_go(turn)
            thread.turns.remove(turn)
        elif follower.lost:  # the service ended meanwhile: what it left is known to the one that runs now
            desk().leave(turn.run_id)
            _let_go(turn)
            forget("thread")
            st.rerun()
        else:
            _finish(turn, follower)
    told = [turn.result.trace_id for turn in thread.turns if turn.result]
    for number, turn in reversed(list(enumerate(thread.turns))):
        # Two questions that were merged have one answer, which stands under the later one.
        if turn.result and turn.result.trace_id and turn.result.trace_id in told[number + 1 :]:
            thread.turns.remove(turn)


def _let_go(turn: TurnModel) -> None:
    if st.query_params.get("run") == turn.run_id:
        del st.query_params["run"]


def _finish(turn: TurnModel, follower: Follower) -> None:
    if follower.result is None:  # the run stays in the URL: a question that failed is not in the thread
        return
    turn.result = AskResult.model_validate(follower.result)
    if follower.notice:
        desk().notices[turn.result.trace_id] = follower.notice
    turn.question = turn.result.question
    _let_go(turn)


def _ask(client: ServiceClient, question: str, thread: Thread | None) -> Thread | None:
    effort: Literal["fast", "normal", "deep"] = st.session_state.get("effort") or "normal"
    st.session_state.pop("unasked", None)
    try:
        started = client.ask(question, effort=effort, thread_id=thread.thread_id if thread else None)
    except TerakoyaError as error:
        forget("thread:")  # another tab or program may have asked in it
        st.session_state["unasked"] = (question, error)
        return None
    st.query_params.update({"thread": started.thread_id, "run": started.run_id})
    turns = [
        *(thread.turns if thread else []),
        TurnModel(question=question, result=None, run_id=started.run_id),
    ]
    forget("threads", "thread:", "facts")
    kept = thread or Thread(thread_id=started.thread_id, turns=[])
    return fresh(f"thread:{started.thread_id}", 60, lambda: kept.model_copy(update={"turns": turns}))


def _draw_start(notes: Sequence[NoteSummary]) -> None:
    st.markdown(f"### {say('start_title')}")
    st.caption(say("start_text", notes=len(notes)))
    titled = [note for note in notes if note.title.strip() and note.chunks]
    chosen = titled[:: max(1, len(titled) // 4)][:4]
    if chosen:
        with st.container(horizontal=True, gap="small"):
            for number, note in enumerate(chosen):
                st.button(
                    say("about_label", title=plain(note.title[:60])),
                    key=f"about_{number}",
                    icon=":material/lightbulb:",
                    on_click=_choose,
                    args=(say("about_question", title=note.title),),
                )


def _choose(question: str) -> None:
    st.session_state["asked"] = question


def _draw_turns(client: ServiceClient, thread: Thread) -> None:
    hidden = 0 if st.session_state.get("all_turns") else max(0, len(thread.turns) - SHOWN)
    if hidden:
        st.button(
            say("earlier_turns", count=hidden),
            key="earlier",
            on_click=st.session_state.update,
            args=({"all_turns": True},),
        )
    if thread.summary:
        with st.expander(say("summarised", count=thread.summary.turns), icon=":material/summarize:"):
            st.markdown(markdown(thread.summary.text))
    for number, turn in enumerate(thread.turns[hidden:], hidden):
        _draw_question(turn.question)
        with st.chat_message("assistant", avatar=SCHOOL):
            if turn.result is not None:
                _draw_answer(client, turn, turn.result, f"{thread.thread_id}_{number}")
                _draw_edit(client, thread, number)
            elif turn.run_id:
                _draw_run(client, thread.thread_id, turn, f"{thread.thread_id}_{number}")
            else:
                st.caption(say("interrupted"))
                _draw_again(turn.question, f"{number}")


def _draw_question(question: str) -> None:
    with st.chat_message("user", avatar=READER):
        draw_text(question, markers=())


def draw_text(text: str, *, markers: Collection[int] | None) -> None:
    """An answer or question as it is to be read; `markers` are those that lead somewhere."""
    for piece in pieces(text):
        if piece.code:
            st.code(piece.text, language=piece.language or None)
        else:
            st.markdown(markdown(piece.text, markers), anchors=False)


def _draw_run(client: ServiceClient, thread_id: str, turn: TurnModel, key: str) -> None:
    follower = desk().follow(client, turn.run_id or "")
    if follower.error is not None:
        draw_error(follower.error)
        _draw_again(turn.question, key)
        return
    if follower.approval and not follower.finished:
        st.fragment(_draw_asking, run_every=1.0)(client, turn.run_id or "", follower, follower.approval)
        return
    if follower.step in ("waiting", "merged") and not follower.text:
        st.fragment(_draw_waiting, run_every=0.5)(follower, follower.step)
    else:
        st.fragment(_draw_growing, run_every=0.2)(turn, follower, [True])
    waits = follower.step in ("waiting", "merged")
    with st.container(horizontal=True):
        st.button(
            say("withdraw" if waits else "stop"),
            key=f"stop_{key}",
            icon=":material/stop_circle:",
            type="tertiary",
            on_click=_stop,
            args=(client, turn.run_id or ""),
        )
        if not waits:
            draw_meanwhile(client, thread_id)


def _draw_waiting(follower: Follower, step: str) -> None:
    if follower.finished or follower.step != step:
        st.rerun()
    st.caption(f":material/hourglass_empty: {say('waiting' if step == 'waiting' else 'merged')}")


def _stop(client: ServiceClient, run_id: str) -> None:
    try:
        client.cancel(run_id)
    except NotFound:
        forget("thread:")  # it has ended long ago
    except TerakoyaError as error:
        st.toast(plain(error.message(language())), icon=":material/error:")


def _draw_edit(client: ServiceClient, thread: Thread, number: int) -> None:
    """Another wording of an earlier question, which begins a conversation of its own from there."""
    key = f"edit_{thread.thread_id}_{number}"
    with (
        st.popover(say("edit_question"), icon=":material/edit:", type="tertiary"),
        st.form(key, border=False),
    ):
        asked = st.text_area(say("edit_label"), value=thread.turns[number].question, max_chars=MAX_QUESTION)
        if st.form_submit_button(say("edit_ask")) and asked.strip():
            try:
                made = client.branch(thread.thread_id, number) if number else ""
            except TerakoyaError as error:
                draw_error(error)
                return
            switch_thread(made)
            st.session_state["asked"] = asked.strip()
            st.rerun()


def _draw_asking(client: ServiceClient, run_id: str, follower: Follower, asked: ApprovalModel) -> None:
    if follower.approval is not asked or follower.finished:  # decided here, in another tab, or too late
        st.rerun()
    draw_approval(client, run_id, follower, asked)


def _draw_growing(turn: TurnModel, follower: Follower, first: list[bool]) -> None:
    area, below = st.container(), st.empty()
    with area:
        shown = st.empty()
    drawn: tuple[str, str] | None = None
    # While the whole page is drawn, what stands below waits, and what stood there before is still in sight.
    seconds = 0.15 if first else 0.8
    first.clear()
    for _ in follower.updates(seconds):
        if follower.approval or follower.step in ("waiting", "merged"):
            st.rerun()
        if drawn == (follower.text, follower.step):
            continue
        drawn = (follower.text, follower.step)
        with shown.container():
            draw_text(follower.text, markers=None)
        step = say_or(f"step_{follower.step}", say("step_other"))
        below.caption(f":shimmer[{step}]" + (f" · {say('draft')}" if follower.text else ""))
    if follower.finished:
        _finish(turn, follower)
        forget("threads", "facts")
        st.rerun()


def _draw_answer(client: ServiceClient, turn: TurnModel, result: AskResult, key: str) -> None:
    if notice := desk().notices.get(result.trace_id):
        st.info(markdown(notice), icon=":material/info:")
    if result.interrupted:
        st.markdown(f":gray-badge[:material/stop_circle: {say('stopped')}]")
        draw_text(result.answer, markers=())
    elif result.model in _COURTESY:
        draw_text(result.answer, markers=())
    elif result.answered:
        draw_text(result.answer, markers={citation.marker for citation in result.citations})
        if result.citations:
            st.caption(say("sources", count=len(result.citations)))
            draw_sources(result.citations, key=key)
    else:
        with st.container(border=True, key=f"unanswered_{key}"):
            st.markdown(f":orange-badge[:material/search_off: {say('unanswered')}]")
            draw_text(result.answer, markers={citation.marker for citation in result.citations})
        if result.citations:
            with st.expander(say("nearest", count=len(result.citations))):
                draw_sources(result.citations, key=key)
    if result.suspicious:
        told = sentence("guard.suspicious", language=language(), count=len(result.suspicious))
        with st.expander(told, icon=":material/warning:"):
            draw_sources(result.suspicious, key=f"suspicious_{key}", numbered=False)
    draw_thumbs(client, result, turn.thumb, key)


def _draw_again(question: str, key: str) -> None:
    st.button(
        say("ask_again"), key=f"again_{key}", icon=":material/replay:", on_click=_choose, args=(question,)
    )


def _draw_unasked() -> None:
    if "unasked" in st.session_state:
        question, error = st.session_state["unasked"]
        _draw_question(question)
        draw_error(error)
        _draw_again(question, "unasked")
