"""The sources under an answer: place, quote, and a way to the line in the note."""

from collections.abc import Sequence

import streamlit as st

from terakoya.api import CitationModel
from terakoya.catalogue import text
from ui.markup import letters, quotation
from ui.note_view import open_note
from ui.places import place
from ui.wording import language


def draw_sources(citations: Sequence[CitationModel], *, key: str, numbered: bool = True) -> None:
    """One card for each citation; a click on its place opens the note there."""
    for number, citation in enumerate(citations):
        with st.container(border=True, gap=None, key=f"source_{key}_{number}"):
            st.button(
                f":primary-badge[{citation.marker}] {place(citation)}" if numbered else place(citation),
                key=f"open_{key}_{number}",
                type="tertiary",
                on_click=open_note,
                args=(citation.source, citation.start_line, citation.end_line),
                kwargs={"quote": citation.quote, "marks": tuple(citation.marks)},
            )
            if citation.suspicion:
                why = text(f"guard.{citation.suspicion}", language=language())
                st.markdown(f":orange-badge[:material/warning: {why}]")
                st.text(letters(citation.quote))  # nothing in it can be clicked
            else:
                st.markdown(quotation(citation.quote, citation.marks))
