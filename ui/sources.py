"""The sources under an answer: place, quote, and a way to the line in the note."""

from collections.abc import Sequence

import streamlit as st

from terakoya.api import CitationModel, page_name
from ui.markup import plain, quotation
from ui.note_view import open_note
from ui.wording import language


def draw_sources(citations: Sequence[CitationModel], *, key: str) -> None:
    """One card for each citation; a click on its place opens the note there."""
    for number, citation in enumerate(citations):
        with st.container(border=True, gap=None, key=f"source_{key}_{number}"):
            st.button(
                f":primary-badge[{citation.marker}] {place(citation)}",
                key=f"open_{key}_{number}",
                type="tertiary",
                on_click=open_note,
                args=(citation.source, citation.start_line, citation.end_line),
                kwargs={"quote": citation.quote, "marks": tuple(citation.marks)},
            )
            st.markdown(quotation(citation.quote, citation.marks))


def place(citation: CitationModel) -> str:
    """`note.md:12-14 · heading › heading`, as a label."""
    first, last = citation.start_line, citation.end_line
    lines = str(first) if first == last else f"{first}-{last}"
    page = page_name(citation.source, citation.page, language=language())
    named = f"**{plain(citation.source)}:{lines}**" + (f" · {page}" if page else "")
    heading = " › ".join(plain(part) for part in citation.heading if part.strip())
    return f"{named} · {heading}" if heading else named
