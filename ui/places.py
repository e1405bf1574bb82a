"""Places in notes as labels."""

from terakoya.api import CitationModel, HitModel, page_name
from ui.markup import plain
from ui.wording import language


def place(found: CitationModel | HitModel) -> str:
    """`note.md:12-14 · heading › heading`, as a label."""
    first, last = found.start_line, found.end_line
    lines = str(first) if first == last else f"{first}-{last}"
    page = page_name(found.source, found.page, language=language())
    named = f"**{plain(found.source)}:{lines}**" + (f" · {page}" if page else "")
    heading = " › ".join(plain(part) for part in found.heading if part.strip())
    return f"{named} · {heading}" if heading else named
