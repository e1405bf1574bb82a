"""Conditions on metadata: each operator, on values of each kind, as one would by hand."""

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.metadata import Condition

ROWS: dict[str, dict[str, Any]] = {
    "empty": {},
    "null": {"x": None},
    "true": {"x": True},
    "one": {"x": 1},
    "one and a half": {"x": 1.5},
    "text": {"x": "1"},
    "list": {"x": [1, 2]},
    "large": {"x": 2**63 + 1},
    "next": {"x": 2**63 + 2},
}


def holding(condition: dict[str, Any], rows: dict[str, dict[str, Any]] = ROWS) -> set[str]:
    made = Condition(condition)
    found = set()
    with duckdb.connect(":memory:") as connection:
        for name, metadata in rows.items():
            sql = f"SELECT {made.sql} FROM (SELECT $m::JSON AS metadata)"
            ((holds,),) = connection.execute(sql, {"m": json.dumps(metadata), **made.values}).fetchall()
            assert holds is not None
            if holds:
                found.add(name)
    return found


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({}, set(ROWS)),
        ({"x": 1}, {"one"}),
        ({"x": 1.0}, {"one"}),
        ({"x": "1"}, {"text"}),
        ({"x": True}, {"true"}),
        ({"x": None}, {"null"}),
        ({"x": 2**63 + 1}, {"large"}),
        ({"x": {"$gt": 1}}, {"one and a half", "large", "next"}),
        ({"x": {"$gt": 1.25, "$lt": 2}}, {"one and a half"}),
        ({"x": {"$gte": 1, "$lte": 1.5}}, {"one", "one and a half"}),
        ({"x": {"$lt": "2"}}, {"text"}),
        ({"x": {"$ne": 1}}, set(ROWS) - {"one"}),
        ({"x": {"$in": [1, "1", None]}}, {"one", "text", "null"}),
        ({"x": {"$in": []}}, set()),
        ({"x": {}}, set(ROWS)),
        ({"x": {"$nin": [1, "1", None]}}, set(ROWS) - {"one", "text", "null"}),
        ({"x": {"$exists": True}}, set(ROWS) - {"empty"}),
        ({"x": {"$exists": False}}, {"empty"}),
        ({"$or": [{"x": 1}, {"x": True}]}, {"one", "true"}),
        ({"$or": []}, set()),
        ({"$and": [{"x": {"$gt": 1}}, {"x": {"$lt": 2}}]}, {"one and a half"}),
        ({"$not": {"x": {"$exists": True}}}, {"empty"}),
        ({"x": 1, "y": 1}, set()),
    ],
)
def test_each_operator_lets_through_what_it_says(condition: dict[str, Any], names: set[str]) -> None:
    assert holding(condition) == names


@pytest.mark.parametrize("key", ["a/b", "a~b", "a.b", "*", 'q"q', "'; DROP TABLE notes; --", "", "0", "鍵"])
def test_a_key_is_taken_letter_for_letter(key: str) -> None:
    assert holding({key: 1}, {"it": {key: 1}, "other": {"x": 1, "b": 1}}) == {"it"}


@given(st.text(), st.text())
@settings(max_examples=50, deadline=None)
def test_a_text_equals_itself_alone(value: str, other: str) -> None:
    found = holding({"x": value}, {"it": {"x": value}, "other": {"x": other}})
    assert found == ({"it", "other"} if value == other else {"it"})


@pytest.mark.parametrize(
    "condition",
    [
        {"x": {"$near": 1}},
        {"$nor": [{}]},
        {"$.x": 1},
        {"x": "\ud800"},
        {"\ud800": 1},
        {"x": [1]},
        {"x": {"$in": "abc"}},
        {"x": {"$gt": None}},
        {"x": {"$gt": True}},
        {"x": {"$exists": 1}},
        {"$or": {"x": 1}},
        {"$or": [1]},
        {"$not": 1},
        {"x": object()},
    ],
)
def test_what_is_no_condition_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="filter"):
        Condition(condition)
