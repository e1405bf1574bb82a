"""Questions whose process ended before they were answered: to go on with, or to give up."""

import streamlit as st

from terakoya.api import Thread, Unfinished
from terakoya.client import ServiceClient
from terakoya.errors import NotFound, TerakoyaError
from ui.connection import forget
from ui.markup import plain
from ui.wording import language, say


def draw_unfinished(client: ServiceClient, thread: Thread) -> None:
    """A card for each that is left in a conversation."""
    for left in thread.unfinished:
        with st.container(border=True, key=f"unfinished_{left.id}"):
            st.markdown(f":orange-badge[:material/pause_circle: {say('unfinished')}]")
            st.markdown(plain(left.question))
            st.caption(say("unfinished_text"))
            with st.container(horizontal=True):
                st.button(
                    say("unfinished_go_on"),
                    key=f"go_on_{left.id}",
                    type="primary",
                    icon=":material/play_arrow:",
                    on_click=_go_on,
                    args=(client, left),
                )
                st.button(
                    say("unfinished_drop"),
                    key=f"drop_{left.id}",
                    icon=":material/delete:",
                    on_click=_drop,
                    args=(client, left),
                )


def _go_on(client: ServiceClient, left: Unfinished) -> None:
    forget("threads", "thread:")
    try:
        started = client.go_on(left.id)
    except TerakoyaError as error:
        _tell(error)
    else:
        st.query_params.update({"thread": started.thread_id, "run": started.run_id})


def _drop(client: ServiceClient, left: Unfinished) -> None:
    forget("threads", "thread:")
    try:
        client.drop(left.id)
    except TerakoyaError as error:
        _tell(error)


def _tell(error: TerakoyaError) -> None:
    if isinstance(error, NotFound):  # another tab was quicker
        st.toast(say("unfinished_gone"))
    else:
        st.toast(plain(error.message(language())), icon=":material/error:")
