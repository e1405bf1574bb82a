"""Text on a terminal's grid: what stands on one line, cut and filled by cells, of which a kanji takes two."""

from typing import Final

from terakoya.text.normalise import printable

_BREAKS: Final = str.maketrans(dict.fromkeys("\t\n\u2028\u2029", " "))
_LEFT_OUT: Final = "…"


def one_line(text: str) -> str:
    """`text` without control characters and line breaks: names of files may hold both."""
    return printable(text).translate(_BREAKS)


def width(line: str) -> int:
    """Cells that `line` takes."""
    from rich.cells import cell_len

    return cell_len(line)


def cut(line: str, cells: int) -> str:
    """The beginning of `line` that fits into `cells`, with a mark where something is left out."""
    return line if width(line) <= cells else _head(line, cells - 1) + _LEFT_OUT


def cut_middle(line: str, cells: int) -> str:
    """The beginning and the end of `line`, of a path the folder and the name, in `cells`."""
    if width(line) <= cells:
        return line
    room = max(0, cells - 1) * 2 // 3
    tail = line[len(line) - room :]
    while width(tail) > room:
        tail = tail[1:]
    return _head(line, cells - 1 - width(tail)) + _LEFT_OUT + tail


def filled(line: str, cells: int, *, right: bool = False) -> str:
    """`line` with spaces up to `cells`: behind it, or before it as numbers stand."""
    space = " " * (cells - width(line))
    return space + line if right else line + space


def _head(line: str, cells: int) -> str:
    from rich.cells import set_cell_size

    return set_cell_size(line, max(0, cells)).rstrip()
