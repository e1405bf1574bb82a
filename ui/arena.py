"""The arena: one question, two answers without names, a vote, and the leaderboard."""

from pathlib import PurePath
from typing import Final, Literal

import streamlit as st

from terakoya.api import MAX_QUESTION, MAX_SETTINGS, Duel, DuelReply, StandingModel, VoteRequest
from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from ui.connection import draw_error, forget, fresh
from ui.conversation import draw_text
from ui.markup import plain, quotation
from ui.places import place
from ui.wording import say

Verdict = Literal["a", "b", "tie", "bad"]
_AS_IT_IS: Final = "as-it-is"
"""As the service calls settings that are not changed."""
_NO_MODEL: Final = "none"
_VERDICTS: Final[tuple[tuple[Verdict, str], ...]] = (
    ("a", ":material/arrow_back:"),
    ("tie", ":material/drag_handle:"),
    ("bad", ":material/thumb_down:"),
    ("b", ":material/arrow_forward:"),
)


def draw_arena(client: ServiceClient) -> None:
    """All of the view."""
    st.markdown(f"### {say('arena_title')}", anchors=False)
    st.caption(say("arena_about"))
    models = fresh("arena_models", 60, client.arena_models)
    with st.form("arena_form", border=True):
        left, right = st.columns(2)
        with left:
            first = _settings("first", models, placeholder=say("arena_as_it_is"))
        with right:
            second = _settings("second", models, placeholder="answers.support=0.5")
        question = st.text_input(say("arena_question"), key="arena_asked", max_chars=MAX_QUESTION)
        asked = st.form_submit_button(say("arena_go"), icon=":material/balance:", type="primary")
    if asked and question.strip():
        _ask(client, question.strip(), first, second)
    elif asked:
        st.warning(say("arena_no_question"))
    if error := st.session_state.get("arena_error"):
        draw_error(error)
    duel: Duel | None = st.session_state.get("arena_duel")
    if duel:
        _draw_duel(client, duel)
    _draw_standings(fresh("standings", 60, client.standings))


def _settings(side: str, models: list[str], *, placeholder: str) -> str:
    """What is set for a side: its model, where there is a choice, and whatever else is written."""
    model = ""
    if models:
        model = st.selectbox(
            say(f"arena_model_{side}"), ["", *models], format_func=_model_name, key=f"arena_model_{side}"
        )
    written = st.text_input(
        say(f"arena_{side}"), key=f"arena_{side}", max_chars=MAX_SETTINGS, placeholder=placeholder
    )
    return " ".join(part for part in (f"model={model}" if model else "", written.strip()) if part)


def _model_name(name: str) -> str:
    if not name:
        return say("arena_as_it_is")
    return say("arena_no_model") if name == _NO_MODEL else PurePath(name).stem if "@" not in name else name


def _ask(client: ServiceClient, question: str, first: str, second: str) -> None:
    for name in ("arena_duel", "arena_told", "arena_error"):
        st.session_state.pop(name, None)
    try:
        with st.spinner(say("arena_asking")):
            st.session_state["arena_duel"] = client.duel(question, first, second)
    except TerakoyaError as error:
        st.session_state["arena_error"] = error


def _draw_duel(client: ServiceClient, duel: Duel) -> None:
    told = st.session_state.get("arena_told")
    st.markdown(f"**{plain(duel.question)}**")
    for side, reply, column in zip("ab", (duel.a, duel.b), st.columns(2, border=True), strict=True):
        with column:
            name = f" · {plain(_named(told[side]))}" if told else ""
            st.markdown(f"##### {side.upper()}{name}", anchors=False)
            _draw_reply(reply)
    if duel.same:
        st.info(say("arena_same"), icon=":material/drag_handle:")
    elif told:
        st.success(say(f"arena_voted_{told['verdict']}"), icon=":material/how_to_vote:")
    else:
        with st.container(horizontal=True, horizontal_alignment="center"):
            for verdict, icon in _VERDICTS:
                st.button(
                    say(f"arena_{verdict}"),
                    key=f"arena_vote_{verdict}",
                    icon=icon,
                    on_click=_vote,
                    args=(client, duel, verdict),
                )


def _named(name: str) -> str:
    """What is set, in the reader's words where that is nothing."""
    return say("arena_as_it_is") if name == _AS_IT_IS else name


def _draw_reply(reply: DuelReply) -> None:
    draw_text(reply.answer, markers=[c.marker for c in reply.citations])
    for citation in reply.citations:
        st.caption(place(citation))
        st.markdown(quotation(citation.quote, citation.marks))


def _vote(client: ServiceClient, duel: Duel, verdict: Verdict) -> None:
    try:
        shown = client.vote(duel.duel_id, VoteRequest(verdict=verdict))
    except TerakoyaError as error:
        st.session_state["arena_error"] = error
        return
    forget("standings")
    st.session_state.pop("arena_error", None)
    st.session_state["arena_told"] = {"a": shown.a, "b": shown.b, "verdict": verdict}


def _draw_standings(standings: list[StandingModel]) -> None:
    if not standings:
        return
    st.markdown(f"#### {say('arena_board')}", anchors=False)
    st.dataframe(
        [
            {
                say("arena_rank"): rank,
                say("arena_name"): _named(s.name),
                say("arena_points"): round(s.points),
                say("arena_interval"): f"{s.low:.0f} – {s.high:.0f}",
                say("arena_wins"): s.wins,
                say("arena_losses"): s.losses,
                say("arena_ties"): s.ties,
            }
            for rank, s in enumerate(standings, 1)
        ],
        hide_index=True,
        key="arena_standings",
    )
    st.caption(say("arena_how"))
    if standings[0].bounded:
        st.caption(say("arena_bounded"))
