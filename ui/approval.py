"""What a run asks before a tool changes something: tool and arguments, and what may be said to it."""

import json
from typing import Any, Final

import streamlit as st

from terakoya.api import ApprovalModel, DecisionRequest
from terakoya.client import ServiceClient
from terakoya.errors import NotFound, TerakoyaError
from ui.markup import plain
from ui.runs import Follower
from ui.wording import language, say

_ABOUT: Final = 300


def draw_approval(client: ServiceClient, run_id: str, follower: Follower, asked: ApprovalModel) -> None:
    """A card with the call, and buttons to let it be made, change it, or refuse it."""
    key = f"{asked.call_id}"
    with st.container(border=True, key=f"approval_{key}"):
        uncertain = asked.reason == "uncertain"
        icon = ":material/help:" if uncertain else ":material/edit_note:"
        st.markdown(f":orange-badge[{icon} {say('approval_uncertain' if uncertain else 'approval_changes')}]")
        if uncertain:
            st.markdown(say("approval_uncertain_text"))
        st.code(asked.tool, language=None)
        if asked.about:
            st.caption(plain(asked.about[:_ABOUT]))
        if asked.problem:
            st.warning(plain(asked.problem))
        shown = json.dumps(asked.arguments, ensure_ascii=False, indent=2)
        typed = st.text_area(say("approval_arguments"), shown, key=f"arguments_{key}", height="content")
        changed, problem = _changed(typed, asked.arguments)
        if problem:
            st.caption(f":material/error: {plain(say('approval_json', reason=problem))}")
        with st.container(horizontal=True):
            st.button(
                say("approval_edit" if changed is not None else "approval_approve"),
                key=f"approve_{key}",
                type="primary",
                icon=":material/check:",
                disabled=bool(problem),
                on_click=_decide,
                args=(client, run_id, follower, asked.call_id, changed),
            )
            st.button(
                say("approval_refuse"),
                key=f"refuse_{key}",
                icon=":material/block:",
                on_click=_decide,
                args=(client, run_id, follower, asked.call_id, None, True),
            )


def _changed(typed: str, arguments: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The arguments where the person changed them, and what is wrong with them."""
    try:
        given = json.loads(typed)
    except (ValueError, RecursionError) as error:
        return None, str(error)
    if not isinstance(given, dict):
        return None, type(given).__name__
    return (None if given == arguments else given), ""


def _decide(
    client: ServiceClient,
    run_id: str,
    follower: Follower,
    call_id: str,
    arguments: dict[str, Any] | None,
    refused: bool = False,
) -> None:
    verdict = "refuse" if refused else "approve" if arguments is None else "edit"
    request = DecisionRequest.model_validate(
        {"call_id": call_id, "verdict": verdict, "arguments": None if refused else arguments}
    )
    try:
        client.decide(run_id, request)
    except NotFound:  # decided in another tab, or nobody came in time
        pass
    except TerakoyaError as error:
        st.toast(plain(error.message(language())), icon=":material/error:")
        return
    follower.decided(call_id)
