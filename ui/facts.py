"""What the person asked to remember, in the side bar, each with a button that takes it back."""

import streamlit as st

from terakoya.client import ServiceClient
from terakoya.errors import NotFound, TerakoyaError
from ui.connection import draw_error, forget, fresh
from ui.markup import plain
from ui.wording import language, say


def draw_facts(client: ServiceClient) -> None:
    """The facts, where there are any."""
    try:
        facts = fresh("facts", 20, client.facts)
    except TerakoyaError as error:
        draw_error(error)
        return
    if not facts:
        return
    with st.expander(say("facts", count=len(facts)), icon=":material/psychology:"):
        for fact in facts:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(fact.text))
                st.button(
                    say("fact_forget"),
                    key=f"forget_fact_{fact.number}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=_forget,
                    args=(client, fact.number),
                )


def _forget(client: ServiceClient, number: int) -> None:
    try:
        client.forget_fact(number)
    except NotFound:
        st.toast(say("fact_gone"))  # another tab was quicker
    except TerakoyaError as error:
        st.toast(plain(error.message(language())), icon=":material/error:")
    forget("facts")
