"""Vectors rounded to 16 bits: near enough, and the same product for the same vector wherever it stands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest.rounded import Rounded, products, rounded


def units(count: int, size: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, size))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 3, 64, 384, 1024])
def test_a_product_is_hardly_off(size: int) -> None:
    matrix, (query,) = units(2_000, size), units(1, size, seed=1)
    wanted = matrix.astype(np.float64) @ query.astype(np.float64)
    assert np.abs(products(query, *rounded(matrix)) - wanted).max() < (1e-5 if size >= 384 else 3e-5)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 50).flatmap(
        lambda size: st.lists(
            st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size), min_size=2, max_size=5
        )
    )
)
def test_a_product_is_off_by_no_more_than_rounding_can_do(rows: list[list[float]]) -> None:
    query, *others = np.array(rows, dtype=np.float32)
    matrix = np.stack(others)
    numbers, scales = rounded(matrix)
    wanted = matrix.astype(np.float64) @ query.astype(np.float64)
    of_vector = scales * np.abs(query).sum()
    of_query = np.abs(query).max() * np.abs(matrix).sum(axis=1) / 2**23
    assert (np.abs(products(query, numbers, scales) - wanted) <= of_vector + of_query + 1e-30).all()


def test_equal_vectors_have_equal_products_at_whatever_place() -> None:
    (one, query), others = units(2, 384), units(1_000, 384, seed=2)
    others[[0, 5, 255, 256, 257, 700, 999]] = one
    found = products(query, *rounded(others))
    assert len({*found[[0, 5, 255, 256, 257, 700, 999]].tolist()}) == 1
    assert found[5] == products(query, *rounded(one[None]))[0]
    some = np.array([999, 3, 0])
    assert products(query, *rounded(others), some).tolist() == found[some].tolist()


def test_nothing_is_like_a_vector_of_zeros() -> None:
    zeros, (query,) = np.zeros((2, 8), dtype=np.float32), units(1, 8)
    assert products(query, *rounded(zeros)).tolist() == [0, 0]
    assert products(zeros[0], *rounded(query[None])).tolist() == [0]


def test_what_was_added_is_at_the_place_that_was_told() -> None:
    matrix, (query,) = units(30, 16), units(1, 16, seed=3)
    room = Rounded(40, 16)
    first, second = room.add(matrix[:20]), room.add(matrix[20:])
    assert room.free == 10
    assert room.add(matrix[:0]).tolist() == []
    at = np.concatenate([second, first])
    wanted = products(query, *rounded(np.concatenate([matrix[20:], matrix[:20]])))
    assert room.products(query, at).tolist() == wanted.tolist()
