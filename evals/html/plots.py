"""Plots as inline SVG. Colours come from the page's style sheet, so that they follow light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evals.html.markup import Markup, element
from evals.wording import number

WIDE: Final = 1.96
"""Standard errors on each side of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value with its standard error, and what it is called where the pointer rests on it."""

    value: float
    standard_error: float | None
    title: str


def whisker(value: float, error: float | None, former: float | None, title: str) -> Markup:
    """A share on a line from 0 to 1, with its 95 % interval, and the former value as a tick."""
    width, height, edge = 160.0, 18.0, 6.0
    middle = height / 2

    def x(share: float) -> float:
        return edge + (width - 2 * edge) * min(1.0, max(0.0, share))

    spread = WIDE * (error or 0.0)
    parts = [
        element("title", title),
        element("line", x1=edge, y1=middle, x2=width - edge, y2=middle, class_="axis"),
        element("line", x1=x(value - spread), y1=middle, x2=x(value + spread), y2=middle, class_="interval"),
    ]
    if former is not None:
        parts.append(element("line", x1=x(former), y1=2, x2=x(former), y2=height - 2, class_="former"))
    parts.append(element("circle", cx=x(value), cy=middle, r=4, class_="dot"))
    return _svg(width, height, title, parts, "whisker")


def trend(points: Sequence[Point], title: str) -> Markup:
    """A metric over the runs, the latest at the right, with a band of the 95 % intervals."""
    width, height, left, right, top, bottom = 260.0, 110.0, 44.0, 10.0, 10.0, 14.0
    lows = [p.value - WIDE * (p.standard_error or 0.0) for p in points]
    highs = [p.value + WIDE * (p.standard_error or 0.0) for p in points]
    if all(0 <= p.value <= 1 for p in points):
        lows, highs = [max(0.0, low) for low in lows], [min(1.0, high) for high in highs]
    low, high = min(lows), max(highs)
    if high - low < 1e-9:
        pad = max(abs(low) * 0.05, 0.001)
        low = max(low - pad, 0.0) if low >= 0 else low - pad  # no axis of what cannot be
        high = min(high + pad, 1.0) if high <= 1 else high + pad

    def x(n: int) -> float:
        return left + (width - left - right) * (n / (len(points) - 1) if len(points) > 1 else 0.5)

    def y(value: float) -> float:
        return top + (height - top - bottom) * (high - value) / (high - low)

    band = [(x(n), y(v)) for n, v in enumerate(highs)] + [
        (x(n), y(lows[n])) for n in reversed(range(len(points)))
    ]
    parts = [
        element("title", title),
        *(
            element("line", x1=left, y1=y(value), x2=width - right, y2=y(value), class_="axis")
            for value in (low, high)
        ),
        *(
            element("text", number(value), x=left - 5, y=y(value) + 4, class_="tick", text_anchor="end")
            for value in (low, high)
        ),
        element("path", d=f"M{_path(band)}Z", class_="band"),
        element("polyline", points=_path([(x(n), y(p.value)) for n, p in enumerate(points)]), class_="line"),
    ]
    for n, point in enumerate(points):
        last = " last" if n == len(points) - 1 else ""
        name = f"{point.title}: {number(point.value)}"
        parts.append(
            element(
                "g",
                element("title", name),
                element("circle", cx=x(n), cy=y(point.value), r=3.5 if last else 2.5, class_=f"dot{last}"),
            )
        )
    return _svg(width, height, title, parts, "trend")


def histogram(values: Sequence[float], title: str, *, unit: str) -> Markup:
    """How often values lie where; the largest hundredth, which may be far away, is in the last bar."""
    width, height, bottom, bars = 260.0, 110.0, 18.0, 24
    low, high = min(values), sorted(values)[(len(values) - 1) * 99 // 100]
    step = max((high - low) / bars, (max(values) - low) * 1e-6) or 1.0
    counts = [0] * bars
    for value in values:
        counts[min(bars - 1, int((value - low) / step))] += 1
    wide, tallest = (width - 4) / bars, max(counts)
    parts = [element("title", title)]
    for n, count in enumerate(counts):
        tall = (height - bottom - 6) * count / tallest
        end = number(low + (n + 1) * step) if n < bars - 1 else number(max(values))
        between = f"{number(low + n * step)} – {end} {unit}: {count}"
        parts.append(
            element(
                "g",
                element("title", between),
                element(
                    "rect",
                    x=2 + n * wide,
                    y=height - bottom - tall,
                    width=wide - 1,
                    height=tall,
                    class_="bar",
                ),
            )
        )
    parts += [
        element("text", f"{number(low)} {unit}", x=2, y=height - 4, class_="tick"),
        element(
            "text", f"≥ {number(high)} {unit}", x=width - 2, y=height - 4, class_="tick", text_anchor="end"
        ),
    ]
    return _svg(width, height, title, parts, "histogram")


def share_bar(share: float, title: str) -> Markup:
    """How much of a bar is full."""
    parts = [
        element("title", title),
        element("rect", x=0, y=2, width=120, height=8, class_="trough"),
        element("rect", x=0, y=2, width=120 * min(1.0, max(0.0, share)), height=8, class_="bar"),
    ]
    return _svg(120.0, 12.0, title, parts, "share")


def _svg(width: float, height: float, title: str, parts: Sequence[Markup], kind: str) -> Markup:
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=title,
        class_=f"plot {kind}",
    )


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
