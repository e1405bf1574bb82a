"""What of a saved page nobody reads as its content: menus, notices about cookies, footers, hidden parts.

A page may be a learner's own, so what is only likely to be clutter goes by two signs at once: its name, and
that most of its text are links.
"""

import re
from typing import Final

from ingest.formats.tags import Tag, tags

_UNREAD: Final = frozenset(
    {"nav", "template", "svg", "select", "button", "canvas", "noscript", "object", "search"}
)
_SHELL: Final = frozenset({"html", "body", "main"})  # hidden at first by pages that a script then shows
_BOXES: Final = frozenset(
    {"div", "section", "aside", "header", "footer", "ul", "ol", "table", "p", "span", "form"}
)
_MENUS: Final = frozenset({"navigation", "search", "menu", "menubar", "toolbar"})
_MARKS: Final = frozenset(
    {
        "linenos",
        "lineno",
        "headerlink",
        "anchor-link",
        "mw-editsection",
        "mw-jump-link",
        "skip-link",
        "noprint",
    }
    | {"MathJax_Preview", "MathJax_SVG", "MathJax_Display", "MJX_Assistive_MathML"}
)
_ANCHORS: Final = frozenset(
    {"anchor", "anchorjs-link", "doc-anchor", "hash-link", "header-anchor", "permalink", "skip-main-content"}
    | {"skip-to-content", "skip-nav"}
)
_LONGEST_SIGN: Final = 2
_NOTICE: Final = re.compile(
    r"cookie[-_]?(?:banner|bar|box|consent|dialog|law|message|modal|notice|overlay|popup|warning)"
    r"|onetrust|cookiebot|cc-window|gdpr[-_]|consent[-_]?(?:banner|modal|popup)",
    re.IGNORECASE,
)
_FURNITURE: Final = re.compile(
    r"(?:^|[-_\s])(?:nav(?:bar|box|igation)?|menu|breadcrumbs?|sidebar|footer|header|share|sharing|social|sns|related"
    r"|pagination|pager|toc|tags|catlinks|recommend(?:ed|ations)?|banner|ads?|advert\w*)(?:$|[-_\s])",
    re.IGNORECASE,
)
_LEGAL: Final = re.compile(
    r"©|copyright|all rights reserved|privacy|プライバシー|利用規約|無断転載|Powered by", re.IGNORECASE
)
_LONGEST_FOOTER: Final = 1500
_LONGEST_NOTICE: Final = 4000
_MOSTLY: Final = 0.6
"""Part of a box's text that is links, from which a box with the name of a menu is one."""


def is_unseen(tag: Tag) -> bool:
    """Whether a browser does not show the element, or shows it beside the text only."""
    if tag.name in _SHELL:
        return False
    if not tag.attributes:
        return tag.name in _UNREAD or tag.name == "dialog"
    kind = tag.attributes.get("epub:type", "")
    if kind:
        return "pagebreak" in kind or (tag.name == "nav" and "footnote" not in kind)
    classes = tag.attributes.get("class", "").split()
    return (
        tag.name in _UNREAD
        or tag.attributes.get("hidden", "until-found") != "until-found"
        or tag.attributes.get("aria-hidden") == "true"
        or tag.attributes.get("role") in _MENUS
        or (tag.name == "dialog" and "open" not in tag.attributes)
        or not _MARKS.isdisjoint(classes)
        or ("MathJax" in classes and tag.name == "span")  # the TeX stands in the script beside it
        or ("reference" in classes and tag.name == "sup")
    )


def is_suspect(tag: Tag) -> bool:
    """Whether the element could be clutter, which its content will tell: see `is_clutter`."""
    if tag.name == "a":
        return not _ANCHORS.isdisjoint(tag.attributes.get("class", "").split())
    if tag.name in ("footer", "header") or tag.attributes.get("role") in (
        "contentinfo",
        "dialog",
        "alertdialog",
    ):
        return True
    name = f"{tag.attributes.get('class', '')} {tag.attributes.get('id', '')}"
    return tag.name in _BOXES and bool(name.strip()) and bool(_NOTICE.search(name) or _FURNITURE.search(name))


def is_clutter(tag: Tag, content: str) -> bool:
    """Whether a suspect element with this content is nothing to read."""
    text, linked = _measured(content)
    if tag.name == "a":
        return len(text) <= _LONGEST_SIGN or "skip" in tag.attributes.get("class", "")
    name = f"{tag.attributes.get('class', '')} {tag.attributes.get('id', '')}"
    length = len(text)
    if _NOTICE.search(name) or tag.attributes.get("role") in ("dialog", "alertdialog"):
        return length <= _LONGEST_NOTICE
    if linked >= _MOSTLY * length:
        return bool(linked)
    is_footer = tag.name == "footer" or tag.attributes.get("role") == "contentinfo"
    return is_footer and length <= _LONGEST_FOOTER and bool(_LEGAL.search(text))


def linked_share(content: str) -> float:
    """The part of the text that is links, 0 to 1."""
    text, linked = _measured(content)
    return linked / len(text) if text else 0.0


def _measured(content: str) -> tuple[str, int]:
    """The text, and how much of it are links."""
    pieces: list[str] = []
    linked = depth = 0
    for token in tags(content):
        if isinstance(token, str):
            shown = " ".join(token.split())
            pieces.append(shown)
            linked += len(shown) if depth else 0
        elif token.name == "a":
            depth = 0 if token.closing else 1
    return "".join(pieces), linked
