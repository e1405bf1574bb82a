"""HTML that is made of elements, so that text cannot become markup by being forgotten."""

from collections.abc import Iterable
from html import escape
from typing import Final

from terakoya.text.normalise import printable

EMPTY: Final = frozenset({"meta", "input"})
"""Elements that hold nothing, and have no end."""


class Markup(str):
    """HTML as it is; every other string is text, and is escaped where it becomes part of an element."""

    __slots__ = ()


def element(kind: str, /, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """An element.

    Args:
        kind: Its name.
        children: What stands in it: `Markup` as it is, other strings as text, None not at all.
        attributes: Their names with `_` for `-`, and one `_` behind a keyword of Python. True stands without
            a value; None and False are left out.
    """
    opened = [kind]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        opened.append(attribute if value is True else f'{attribute}="{_text(_shown(value))}"')
    if kind in EMPTY:
        return Markup(f"<{' '.join(opened)}>")
    return Markup(f"<{' '.join(opened)}>{joined(children)}</{kind}>")


def joined(children: Iterable[str | None]) -> Markup:
    """Elements and texts, one after the other."""
    return Markup(
        "".join(c if isinstance(c, Markup) else _text(c) for c in children if c is not None and c != "")
    )


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _text(words: str) -> str:
    return escape(printable(words), quote=True)
