"""Which view of the page the address asks for; without one, the conversations."""

from typing import Literal

import streamlit as st

View = Literal["arena", "statistics"]


def chosen(view: View) -> bool:
    """Whether the address asks for it."""
    return st.query_params.get("view") == view


def enter(view: View) -> None:
    """Goes there."""
    st.query_params["view"] = view


def leave() -> None:
    """Goes back to the conversations."""
    st.query_params.pop("view", None)
