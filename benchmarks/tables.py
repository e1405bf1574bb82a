"""What `benchmarks.search` measured, as Markdown, with what is aimed at."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

OURS: Final = "Terakoya"
FEW: Final = "Terakoya, 1 % of the notes"
BOTH: Final = "Terakoya, words and vectors"
MORE: Final = "one note more"
MOST_OF_NUMPY: Final = {100_000: 1.2, 1_000_000: 0.4}
LEAST_RECALL: Final = 0.99
MOST_OF_INDEX: Final = 2.0
WORDS_MS: Final = 10.0
HYBRID_MS: Final = 20.0
ADDED_MS: Final = 100.0

Part = Mapping[str, Any]
Columns = Mapping[str, Callable[[Any], str]]


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f}"


TIMES: Final[Columns] = {"median": "{:.2f}".format, "high": "{:.2f}".format}
BUILT: Final[Columns] = {"seconds": "{:.1f}".format, "disk": _mib, "resident": _mib, "peak": _mib}
VECTORS: Final[Columns] = {**TIMES, "ratio": "{:.2f}".format, "recall": "{:.3f}".format, **BUILT}
WORDS: Final[Columns] = {
    **TIMES,
    "ratio": "{:.2f}".format,
    "found": "{:.3f}".format,
    "rank": "{:.3f}".format,
    **BUILT,
}
LARGE: Final[Columns] = {**TIMES, "highest": "{:.2f}".format, "resident": _mib, "peak": _mib}
HEADS: Final = {
    "median": "p50 ms",
    "high": "p95 ms",
    "highest": "longest ms",
    "recall": "recall@10",
    "found": "recall@10",
    "rank": "MRR@10",
    "seconds": "build s",
    "disk": "disk MiB",
    "resident": "memory MiB",
    "peak": "peak MiB",
}


def vectors_table(part: Part) -> str:
    """The vector arm at one size, ratios to numpy's product."""
    results, size = part["results"], part["size"]
    first, tenth = part["similarities"]
    kind = "real embeddings" if part["kind"] == "real" else "vectors made like them"
    ours, few = (results[name] for name in (OURS, FEW))
    aims = []
    if "median" in ours:
        aims = [_aim("recall@10", ours["recall"], least=LEAST_RECALL)]
        if size in MOST_OF_NUMPY and part["kind"] != "real":
            aims.append(_aim("of numpy", ours["ratio"], most=MOST_OF_NUMPY[size]))
        aims.append(_aim("filtered, of unfiltered", few["ratio"] / ours["ratio"], most=1))
        limits = {"LanceDB flat": 1.0} | ({"LanceDB IVF_HNSW_SQ": MOST_OF_INDEX} if size == 100_000 else {})
        for name, most in limits.items():
            if "ratio" in results.get(name, {}):
                aims.append(_aim(f"of {name}", ours["ratio"] / results[name]["ratio"], most=most))
    title = f"{size:,} {kind}, load {part['load']:.1f}; first neighbour {first:.2f}, tenth {tenth:.2f}"
    return _shown(title, VECTORS, part, "to numpy", aims)


def words_table(part: Part) -> str:
    """The lexical arm and both arms together, ratios to the first."""
    limits = {OURS: WORDS_MS, BOTH: HYBRID_MS}
    aims = [
        _aim(f"{name}, ms", part["results"][name]["median"], most=most)
        for name, most in limits.items()
        if "median" in part["results"][name]
    ]
    title = f"{part['size']:,} passages, load {part['load']:.1f}"
    return _shown(title, WORDS, part, "to ours", aims)


def large_table(part: Part) -> str:
    """What Terakoya does in its largest store."""
    more = part["results"][MORE]
    aims = [_aim(f"{MORE}, ms", more["median"], most=ADDED_MS)] if "median" in more else []
    title = f"Terakoya with {part['size']:,} passages, load {part['load']:.1f}"
    return _shown(title, LARGE, part, "", aims)


def _shown(title: str, columns: Columns, part: Part, ratio: str, aims: Sequence[str]) -> str:
    heads = ["", *(HEADS.get(key, ratio) for key in columns)]
    rows = []
    for name, found in part["results"].items():
        cells = [show(found[key]) if found.get(key) is not None else "" for key, show in columns.items()]
        if "failure" in found:
            cells[0] = f"not finished: {found['failure']}"
        rows.append([name, *cells])
    lines = ["", title, "", _line(heads), "| --- |" + " ---: |" * len(columns), *map(_line, rows)]
    return "\n".join([*lines, "", *aims] if aims else lines)


def _aim(what: str, value: float, *, most: float | None = None, least: float | None = None) -> str:
    met = value <= most if most is not None else value >= (least or 0.0)
    bound = f"at most {most:g}" if most is not None else f"at least {least:g}"
    return f"- {'met' if met else 'missed'}: {value:.3g} {what}; {bound}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
