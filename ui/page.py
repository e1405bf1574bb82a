"""The page's entry: `streamlit run ui/page.py`.

It reads `TERAKOYA_HOME` and `TERAKOYA_PAGE_KEY` from the environment. What a reload must keep stands in the
URL: `key`, `thread`, `run` and `ingest` of what is under way, `view`, `lang`.
"""

from pathlib import Path

import streamlit as st

from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from ui.arena import draw_arena
from ui.connection import connect, draw_down, draw_error, fresh
from ui.conversation import draw_conversation
from ui.gate import admitted
from ui.library import draw_adding
from ui.note_view import draw_opened_note
from ui.sidebar import draw_language, draw_name, draw_sidebar, draw_status
from ui.statistics import draw_statistics
from ui.views import chosen
from ui.wording import language, own_style, say


def main() -> None:
    """Draws the page once."""
    st.set_page_config(page_title=say("title"), page_icon=str(Path(__file__).with_name("icon.svg")))
    st.html(Path(__file__).with_name("page.css"))
    st.html(own_style())
    # Screen readers and the choice of Han glyphs go by the document's language.
    st.html(f"<script>document.documentElement.lang = '{language()}'</script>", unsafe_allow_javascript=True)
    if not admitted():
        return
    client = connect()
    if client is None:
        _draw_without_service()
        return
    try:
        _draw(client)
    except TerakoyaError as error:
        if error.key == "service_away":
            draw_down()
        else:
            draw_error(error)


def _draw(client: ServiceClient) -> None:
    notes = fresh("notes", 30, client.notes)
    with st.sidebar:
        draw_sidebar(client, notes)
        draw_language()
        state = st.container()
    if chosen("statistics"):
        draw_statistics(client)
    elif notes and chosen("arena"):
        draw_arena(client)
    elif notes or "thread" in st.query_params:
        draw_conversation(client, notes)
    else:
        st.markdown(f"### {say('empty_title')}", anchors=False)
        st.markdown(say("empty_text"))
        with st.container(border=True):
            draw_adding(client)
    draw_opened_note(client)
    with state:
        draw_status(client)


def _draw_without_service() -> None:
    with st.sidebar:
        draw_name()
        draw_language()
    draw_down()


if __name__ == "__main__":
    main()
