"""What becomes of a question that is asked while another one is being answered."""

from typing import Final

import streamlit as st

from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from ui.connection import forget, fresh
from ui.markup import plain
from ui.wording import language, say

POLICIES: Final = ("queue", "merge", "interrupt", "reject")


def draw_meanwhile(client: ServiceClient, thread_id: str) -> None:
    """The choice of this conversation."""
    try:
        now = fresh(f"meanwhile:{thread_id}", 60, lambda: client.thread(thread_id).second_message)
    except TerakoyaError:  # it has ended, or the service has: what comes next tells
        return
    key = f"meanwhile_{thread_id}"
    with st.popover(say("meanwhile"), icon=":material/forum:", type="tertiary"):
        st.radio(
            say("meanwhile_about"),
            POLICIES,
            index=POLICIES.index(now),
            format_func=lambda policy: say(f"meanwhile_{policy}"),
            key=key,
            on_change=_choose,
            args=(client, thread_id, key),
        )


def _choose(client: ServiceClient, thread_id: str, key: str) -> None:
    try:
        client.choose_second_message(thread_id, st.session_state[key])
    except TerakoyaError as error:
        st.toast(plain(error.message(language())), icon=":material/error:")
    forget(f"meanwhile:{thread_id}")
