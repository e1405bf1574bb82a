"""Keeps other users of the machine out: loopback is open to all of them."""

import hmac
import os

import streamlit as st

from ui.wording import say


def admitted() -> bool:
    """Whether this session showed the key of the page; where it did not, draws the form that asks for it."""
    expected = os.environ.get("TERAKOYA_PAGE_KEY", "")
    if not expected or st.session_state.get("admitted") or _equal(st.query_params.get("key", ""), expected):
        st.session_state["admitted"] = True
        return True
    wrong = "key" in st.query_params
    with st.form("gate"):
        st.markdown(say("key_title"))
        typed = st.text_input(say("key_label"), type="password")
        if st.form_submit_button(say("key_submit"), type="primary"):
            if _equal(typed, expected):
                st.session_state["admitted"] = True
                st.query_params["key"] = typed
                st.rerun()
            wrong = True
    if wrong:
        st.warning(say("key_wrong"), icon=":material/key_off:")
    return False


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
