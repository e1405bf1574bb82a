"""Latency and recall by number of vectors, drawn as SVG: two panels, a line for each contestant, both axes by tens.

The lines are told apart by marks, too, not by colour alone. Light or dark, whatever stands around the picture shows
through: text and axes are of a grey that can be read on both.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any, Final

_COLOURS: Final = (
    "#767676",
    "#d1495b",
    "#e89a3c",
    "#2e86ab",
    "#5b8e3e",
    "#8d6cab",
    "#1b998b",
    "#b56b45",
    "#4f6d9a",
)
_WIDTH: Final = 380
_HEIGHT: Final = 300
_LEFT: Final = 56
_TOP: Final = 34
_BOTTOM: Final = 46
_LINE: Final = 17
_LEAST_RECALL: Final = 0.8
_INK: Final = "#7a7a7a"

Points = Mapping[str, Sequence[tuple[int, float]]]
"""For each contestant (vectors, value)."""


def chart(parts: Sequence[Mapping[str, Any]]) -> str:
    """An SVG of what `benchmarks.search` measured on vectors made like real ones.

    Args:
        parts: Of its report; without any such part, the picture is empty.
    """
    sized = sorted(
        (part for part in parts if part["part"] == "vectors" and part["kind"] == "made"),
        key=lambda part: part["size"],
    )
    names = list(dict.fromkeys(name for part in sized for name in part["results"]))
    times, recalls = (_series(sized, names, key) for key in ("median", "recall"))
    sizes = [part["size"] for part in sized] or [1, 10]
    every = [value for points in times.values() for _, value in points] or [1.0, 10.0]
    ticks = [10.0**power for power in range(floor(log10(min(every))), ceil(log10(max(every))) + 1)]
    lowest = min((value for points in recalls.values() for _, value in points), default=1.0)
    floor_of = min(_LEAST_RECALL, floor(lowest * 10) / 10)
    steps = [floor_of + (1 - floor_of) * step / 4 for step in range(5)]
    width, height = 2 * _WIDTH, _HEIGHT + _LINE * ceil(len(names) / 3) + 10
    body = [
        *_panel("Milliseconds of a query (p50)", times, sizes, ticks, 0, names, by_tens=True),
        *_panel("Recall of the true ten", recalls, sizes, steps, _WIDTH, names, by_tens=False),
        *_legend(names),
    ]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
            f' height="{height}" font-family="sans-serif" font-size="12" fill="{_INK}" role="img">',
            "<title>Milliseconds and recall of a search by number of vectors</title>",
            *body,
            "</svg>\n",
        )
    )


def _series(parts: Sequence[Mapping[str, Any]], names: Sequence[str], key: str) -> Points:
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in names}
    for part in parts:
        for name, result in part["results"].items():
            if result.get(key) is not None:
                found[name].append((part["size"], result[key]))
    return found


def _panel(
    title: str,
    series: Points,
    sizes: Sequence[int],
    ticks: Sequence[float],
    left: int,
    names: Sequence[str],
    *,
    by_tens: bool,
) -> Iterator[str]:
    x0, x1 = left + _LEFT, left + _WIDTH - 34
    y0, y1 = _HEIGHT - _BOTTOM, _TOP
    low, high = log10(min(sizes)), log10(max(sizes))

    def x(size: float) -> float:
        return (x0 + x1) / 2 if low == high else x0 + (log10(size) - low) / (high - low) * (x1 - x0)

    def y(value: float) -> float:
        scale = log10 if by_tens else float
        bottom, top = scale(ticks[0]), scale(ticks[-1])
        return y0 if bottom == top else y0 - (scale(value) - bottom) / (top - bottom) * (y0 - y1)

    yield f'<text x="{x0}" y="{_TOP - 16}" font-weight="bold">{escape(title)}</text>'
    for tick in ticks:
        at = y(tick)
        yield f'<line x1="{x0}" y1="{at:.1f}" x2="{x1}" y2="{at:.1f}" stroke="{_INK}" stroke-opacity="0.25"/>'
        yield f'<text x="{x0 - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>'
    for size in dict.fromkeys(sizes):
        yield f'<text x="{x(size):.1f}" y="{y0 + 18}" text-anchor="middle">{size:,}</text>'
    yield f'<text x="{(x0 + x1) / 2}" y="{y0 + 36}" text-anchor="middle">vectors</text>'
    for name, points in series.items():
        number = names.index(name)
        places = [(x(size), y(value)) for size, value in points]
        line = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
        colour = _COLOURS[number % len(_COLOURS)]
        # ours is the one to look for
        weight = 3 if name == "Terakoya" else 1.5
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{weight}"/>'
        for across, up in places:
            yield _mark(number, across, up)


def _mark(number: int, x: float, y: float) -> str:
    """A circle, a square or a diamond."""
    colour = _COLOURS[number % len(_COLOURS)]
    if number % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    turned = f' transform="rotate(45 {x:.1f} {y:.1f})"' if number % 3 == 2 else ""
    return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"{turned}/>'


def _legend(names: Sequence[str]) -> Iterator[str]:
    across = 2 * _WIDTH / 3
    for number, name in enumerate(names):
        x, y = 20 + number % 3 * across, _HEIGHT + 8 + number // 3 * _LINE
        yield _mark(number, x, y - 4)
        yield f'<text x="{x + 12:.1f}" y="{y}">{escape(name)}</text>'
