import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import SecretStr

from app.tracing import SpoolTracer, read_trace
from app.tracing.encoding import MAX_TEXT, encode


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Hostile(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no")


@dataclass
class Point:
    x: float
    at: Path


def circular() -> list[object]:
    ring: list[object] = []
    ring.append(ring)
    return ring


def deep() -> list[object]:
    inner: list[object] = []
    for _ in range(100_000):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        {"x": float("-inf"), (1, 2): {3, 4}},
        circular(),
        deep(),
        Broken(),
        [Broken(), {"k": Broken()}],
        Hostile(a=1),
        object(),
        b"\xff" * 10,
        "\ud800 half a pair",
        np.arange(3),
        np.float32(0.5),
        HumanMessage("hi"),
        10**5000,
        iter([1]),
        lambda: 0,
        ValueError("x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_becomes_one_line_of_strict_json(value: object) -> None:
    text = encode(value)
    assert "\n" not in text
    strict(text.encode(errors="backslashreplace").decode())


def test_what_json_does_not_know_keeps_its_shape() -> None:
    assert strict(encode({"p": Point(x=1.0, at=Path("a/b"))})) == {"p": {"x": 1.0, "at": "a/b"}}
    assert strict(encode(np.arange(3))) == [0, 1, 2]
    assert strict(encode(HumanMessage("hi")))["content"] == "hi"
    assert strict(encode({"x": float("nan"), "y": 1})) == {"x": "nan", "y": 1}


def test_a_secret_type_does_not_show_its_value() -> None:
    assert "hunter2" not in encode({"key": SecretStr("hunter2")})


@pytest.mark.parametrize("value", ["漢" * 200_000, ["x" * 90] * 10_000], ids=["text", "list"])
def test_what_is_too_long_is_cut_and_says_so(value: object) -> None:
    text = strict(encode(value))
    assert MAX_TEXT <= len(text) < MAX_TEXT + 100
    assert "characters]" in text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.tuples(st.text()), inner),
    max_leaves=20,
)


@given(values)
def test_encoding_never_raises(value: object) -> None:
    strict(encode(value).encode(errors="backslashreplace").decode())


def test_unserialisable_input_does_not_disturb_the_traced_code(tracer: SpoolTracer) -> None:
    with tracer.trace("ask", input=Broken(), metadata={"odd": circular()}) as root:  # noqa: SIM117
        with tracer.span("step", input=Hostile(a=1)) as step:
            step.set(output=Broken(), usage=circular(), tags=5, level=Broken(), metadata=Hostile(a=1))
    assert tracer.flush(10)
    assert [record.name for record in read_trace(tracer.spool.folder, root.trace_id)] == ["ask", "step"]
