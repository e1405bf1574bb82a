"""What the graph costs beside retrieval and answer: ours beside bare LangGraph with as many nodes that do nothing.

Run: `python -m benchmarks.workflow`. Retriever and answerer are scripted and answer at once; checkpoints go to
SQLite and traces to files, as in the product, at effort `fast`. Bare LangGraph has the same nodes and edges, which
return nothing, and the same checkpointer. Both take turns, question by question.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from app.asking import Asker
from app.threads import Threads
from app.tracing.spool import Spool
from app.tracing.tracer import SpoolTracer
from benchmarks import machine
from terakoya.text.analyser import Analyser
from terakoya.types import Draft
from workflows.nodes import Parts
from workflows.testing import ScriptedAnswerer, ScriptedRetriever, citation, passage

QUESTION = "What did Mendel grow?"
PASSAGE = passage("Mendel grew peas.")
DRAFT = Draft(
    text="Peas [1].", answered=True, citations=(citation(PASSAGE, "Mendel grew peas."),), model="scripted"
)
PATH = ("guard", "standalone", "plan", "retrieve", "grade", "answer", "verify", "finish")


class Bare(TypedDict, total=False):
    """A state like ours by size."""

    question: str
    turns: list[dict[str, Any]]


def ours(folder: Path, questions: int) -> Callable[[int], None]:
    """Asks in a thread of its own each time."""
    tracer = SpoolTracer(Spool(folder / "traces"), environment="bench", release="0")
    parts = Parts(
        retriever=ScriptedRetriever(known=[PASSAGE]),
        answerers=[ScriptedAnswerer(drafts=[DRAFT] * (questions + 1))],
        analyser=Analyser(),
        tracer=tracer,
        passages=6,
    )
    asker = Asker(parts, Threads(folder / "ours.sqlite"), tracer)

    def ask(number: int) -> None:
        place = asker.line_up(QUESTION, effort="fast", thread_id=f"t{number}")
        asker.ask(place, listen=lambda kind, data: None)

    return ask


def bare(folder: Path) -> Callable[[int], None]:
    """The same path without what the nodes do."""
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(Bare)
    before = START
    for name in PATH:
        graph.add_node(name, _turn if name == "finish" else _nothing)
        graph.add_edge(before, name)
        before = name
    graph.add_edge(before, END)
    compiled = graph.compile(checkpointer=Threads(folder / "bare.sqlite").saver)

    def ask(number: int) -> None:
        config: Any = {"configurable": {"thread_id": f"t{number}"}}
        for _ in compiled.stream(
            {"question": QUESTION}, config, stream_mode=["custom", "updates", "values"], durability="exit"
        ):
            pass

    return ask


def _nothing(state: Bare) -> dict[str, Any]:
    return {}


def _turn(state: Bare) -> dict[str, Any]:
    return {"turns": [{"question": QUESTION, "answer": "Peas [1]."}]}


def main() -> None:
    """Prints milliseconds of a question, and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--questions", type=int, default=300)
    questions = arguments.parse_args().questions
    print(machine.described())
    with tempfile.TemporaryDirectory(prefix="terakoya-bench-") as place:
        contestants = {"Terakoya": ours(Path(place), questions), "bare LangGraph": bare(Path(place))}
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for number in range(questions + 1):
            for name, ask in contestants.items():
                begin = time.perf_counter()
                ask(number)
                if number:  # the first one loads the dictionary
                    times[name].append((time.perf_counter() - begin) * 1000)
    print("\n|  | p50 ms | p95 ms | ratio of the medians |\n| --- | ---: | ---: | ---: |")
    base = statistics.median(times["bare LangGraph"])
    for name, measured in times.items():
        ordered = sorted(measured)
        p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
        print(f"| {name} | {p50:.1f} | {p95:.1f} | {p50 / base:.2f} |")


if __name__ == "__main__":
    main()
