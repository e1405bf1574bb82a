"""Thumbs on answers: the comment of one that points down, and the test case that it becomes."""

from typing import Any, Final

import streamlit as st

from terakoya.api import AskResult, CaseMade, CaseRequest, FeedbackRequest, PlaceModel
from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from ui.connection import draw_error, fresh
from ui.markup import plain
from ui.runs import desk
from ui.wording import language, say, say_or

"""Stands where a model's name would, of an answer that quotes."""
_SILENT: Final = "silent"
_OTHER: Final = "other"
_SHOWN: Final = 90


def draw_thumbs(client: ServiceClient, result: AskResult, thumb: int | None, key: str) -> None:
    """The thumbs, and what belongs to the one that was given."""
    given = desk().votes.get(result.trace_id, thumb)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if result.trace_id:
            st.feedback(
                "thumbs",
                key=f"thumb_{key}",
                default=given,
                on_change=_vote,
                args=(client, result.trace_id, f"thumb_{key}", given),
            )
        st.caption(" · ".join(_about(result)))
    if given == 0:
        _draw_complaint(client, result, key)


def _about(result: AskResult) -> list[str]:
    told = [say_or(f"by_{result.model}", plain(result.model))] if result.model else []
    told.append(say("effort_" + result.effort))
    if total := result.timings.get("total"):  # a conversation keeps no times
        told.append(say("seconds", seconds=f"{total / 1000:.1f}"))
    return told


def _vote(client: ServiceClient, trace_id: str, key: str, before: int | None) -> None:
    value = st.session_state.get(key)
    if value not in (0, 1):  # a thumb can be changed, not taken back
        st.session_state[key] = before
        return
    try:
        client.feedback(FeedbackRequest(trace_id=trace_id, value=value))
        desk().votes[trace_id] = value
        st.toast(say("thanks"), icon=":material/favorite:")
    except TerakoyaError as error:
        st.session_state[key] = before
        st.toast(plain(error.message(language())), icon=":material/error:")


def _draw_complaint(client: ServiceClient, result: AskResult, key: str) -> None:
    trace = result.trace_id
    sent: set[str] = st.session_state.setdefault("commented", set())
    made: dict[str, CaseMade] = st.session_state.setdefault("cases", {})
    with st.container(border=True, key=f"complaint_{key}"):
        if trace in sent:
            st.caption(f":material/check: {say('comment_sent')}")
        else:
            with st.form(f"comment_form_{key}", border=False):
                comment = st.text_input(say("comment_label"), key=f"comment_{key}", max_chars=4000)
                if st.form_submit_button(say("comment_send")) and comment.strip():
                    try:
                        client.feedback(FeedbackRequest(trace_id=trace, value=0, comment=comment.strip()))
                    except TerakoyaError as error:
                        draw_error(error)
                    else:
                        sent.add(trace)
                        st.rerun()
        if trace in made:
            _draw_made(made[trace])
        else:
            _draw_case(client, result, key, made)


def _draw_made(case: CaseMade) -> None:
    where = plain(case.path.rpartition("/")[2])
    told = say("case_made" if case.line else "case_known", file=where, line=case.line)
    st.success(
        f"{told}  \n{say('case_run', command=f'terakoya eval run {case.suite}')}", icon=":material/rule:"
    )
    if case.later:
        st.caption(say("case_later", message=plain(case.later)))


def _draw_case(client: ServiceClient, result: AskResult, key: str, made: dict[str, CaseMade]) -> None:
    """The case as it would be, with the likeliest line chosen: one more click makes it."""
    try:
        draft = fresh(f"case:{result.trace_id}", 600, lambda: client.case_draft(result.trace_id))
    except TerakoyaError as error:
        st.caption(f":material/error: {plain(error.message(language()))}")
        return
    if not draft.question:
        return
    places = {place.place: place for place in draft.places}
    options = [*places, _SILENT, _OTHER]
    with st.form(f"case_form_{key}", border=False):
        st.markdown(f"**{say('case_title')}**  \n:small[{plain(draft.question)}]")
        chosen = st.radio(
            say("case_right"),
            options,
            # Where no other line speaks of it, the complaint is that there is no answer.
            index=next((n for n, place in enumerate(draft.places) if not place.cited), len(places)),
            format_func=lambda option: _option(option, places),
            key=f"case_place_{key}",
        )
        expected = st.text_input(
            say("case_expected"), key=f"case_expected_{key}", max_chars=400, help=say("case_expected_help")
        )
        if not st.form_submit_button(say("case_make"), icon=":material/rule:", type="primary"):
            return
    words = [] if chosen == _SILENT else [part.strip() for part in expected.split("|") if part.strip()]
    request = CaseRequest(
        passages=[chosen] if chosen in places else [], expected=words, unanswerable=chosen == _SILENT
    )
    if chosen == _OTHER and not words:
        st.warning(say("case_words"), icon=":material/error:")
        return
    try:
        made[result.trace_id] = client.make_case(result.trace_id, request)
    except TerakoyaError as error:
        draw_error(error)
        return
    st.rerun()


def _option(option: Any, places: dict[str, PlaceModel]) -> str:
    if option not in places:
        return say(f"case_{option}")
    place = places[option]
    text = place.text.lstrip("#>-*+| ") or place.text
    words = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    quoted = f" :small[({say('case_cited')})]" if place.cited else ""
    return f"**{plain(place.place)}** {plain(words)}{quoted}"
