"""The vector arm: signs first, exact after, and the same neighbours as an exact scan wherever that can be."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest import nearest, signs
from ingest.filters import Chunks
from ingest.held import KEPT_MB
from ingest.nearest import Nearest
from ingest.store import Store
from terakoya.types import Filter

SIZE = 64


def clustered(count: int, *, seed: int = 1, size: int = SIZE) -> NDArray[np.float32]:
    """Unit vectors around a hundred centres, as texts and questions are around subjects."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((100, size))
    rows = centres[chance.integers(0, 100, count)] + 0.8 * chance.standard_normal((count, size))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def fill(store: Store, matrix: NDArray[np.float32]) -> None:
    with store.transaction() as cursor:
        nearest.insert(cursor, list(range(len(matrix))), [row[None] for row in matrix])


def exact(matrix: NDArray[np.float32], query: NDArray[np.float32], k: int) -> list[int]:
    return np.argsort(-(matrix @ query), kind="stable")[:k].tolist()


def test_of_a_small_store_every_vector_is_compared(store: Store) -> None:
    matrix = clustered(500)
    fill(store, matrix)
    for query in clustered(20, seed=2):
        found = Nearest(store).find(query, 10)
        assert list(found) == exact(matrix, query, 10)
        assert list(found.values()) == pytest.approx(sorted(matrix @ query, reverse=True)[:10], abs=1e-5)


def test_of_a_large_store_hardly_a_neighbour_is_missed(store: Store) -> None:
    matrix = clustered(20_000)
    fill(store, matrix)
    searched = Nearest(store)
    hits = sum(
        len({*searched.find(query, 10)} & {*exact(matrix, query, 10)}) for query in clustered(40, seed=2)
    )
    assert hits / 400 >= 0.99


def test_a_filter_leaves_the_full_number_of_hits(store: Store, write, sync) -> None:
    notes = {f"{'a' if n % 50 else 'b'}/n{n}.md": f"note {n}" for n in range(1000)}
    sync(write(notes))
    chunks = [number for (number,) in store.rows("SELECT id FROM chunks ORDER BY id")]
    many = clustered(len(chunks) * 6)
    with (
        store.transaction() as cursor
    ):  # several windows a chunk, so that signs are what candidates are picked by
        nearest.insert(cursor, chunks, list(many.reshape(len(chunks), 6, SIZE)))
    only = Chunks(Filter(folders=("b",)), store.root_names())
    inside = {number for (number,) in store.rows(only.sql, only.values)}
    assert len(inside) == 20
    (query,) = clustered(1, seed=3)
    best = {c: float((many.reshape(-1, 6, SIZE)[at] @ query).max()) for at, c in enumerate(chunks)}
    found = Nearest(store).find(query, 15, only)
    assert list(found) == sorted(inside, key=lambda c: -best[c])[:15]


def test_a_chunk_with_many_near_vectors_does_not_crowd_out_the_others(store: Store) -> None:
    (query,) = clustered(1)
    with store.transaction() as cursor:
        nearest.insert(cursor, [1], [np.tile(query, (4000, 1))])
        nearest.insert(cursor, list(range(2, 1002)), [row[None] for row in clustered(1000, seed=4)])
    assert len(Nearest(store).find(query, 10)) == 10


def test_vectors_of_chunks_and_a_sample_are_told(store: Store) -> None:
    matrix = clustered(300)
    searched = Nearest(store)
    assert (searched.exist(), searched.count(), searched.find(matrix[0], 3)) == (False, 0, {})
    fill(store, matrix)
    assert (searched.exist(), searched.count()) == (True, 300)
    found = searched.of(matrix[7], [7, 11, 5000])
    assert found == pytest.approx({7: 1.0, 11: float(matrix[7] @ matrix[11])}, abs=1e-5)
    assert searched.of(matrix[7], []) == {}
    sample = searched.sample(256)
    assert sample.shape == (256, SIZE)
    assert len(np.unique(sample, axis=0)) == 256
    assert searched.sample(1000) == pytest.approx(matrix)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 200).flatmap(
        lambda size: st.lists(
            st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size), min_size=2, max_size=5
        )
    )
)
def test_signs_are_packed_bit_by_bit(rows: list[list[float]]) -> None:
    matrix = np.array(rows, dtype=np.float32)
    words = signs.packed(matrix)
    assert words.shape == (len(rows), len(signs.columns(matrix.shape[1])))
    for row, packed in zip(matrix, words.tolist(), strict=True):
        bits = [packed[at // 64] >> (at % 64) & 1 for at in range(len(row))]
        assert bits == [int(number > 0) for number in row]


def signs_of(matrix: NDArray[np.float32]) -> signs.Signs:
    return signs.Signs.of(np.arange(len(matrix)), list(np.ascontiguousarray(signs.packed(matrix).T)))


@pytest.mark.parametrize("size", [1, 63, 64, 65, 384])
@pytest.mark.parametrize("count", [50, 70_000, 300_000])
def test_the_first_look_counts_the_signs_that_differ(size: int, count: int) -> None:
    matrix = clustered(count, size=size)
    (query,) = clustered(1, seed=5, size=size)
    order = np.argsort(-np.abs(query), kind="stable")
    weight = np.zeros(size)
    weight[order[: max(1, round(size * signs.LOOKED_AT))]] = 1
    expected = ((matrix > 0) != (query > 0)) @ weight
    assert signs_of(matrix).differing(query).tolist() == expected.tolist()
    at = np.array([3, 17, 29])
    assert signs_of(matrix).differing(query, at).tolist() == expected[at].tolist()


@pytest.mark.parametrize("size", [1, 63, 64, 65, 384])
def test_the_second_look_is_exact_where_all_numbers_are_of_one_size(size: int) -> None:
    matrix = np.where(clustered(200, size=size) > 0, 1, -1).astype(np.float32)
    (query,) = clustered(1, seed=5, size=size)
    at = np.array([5, 9, 100, 150, 9])
    assert signs_of(matrix).estimates(query, at) == pytest.approx(matrix[at] @ query, abs=1e-4)


def test_the_first_look_leaves_those_with_most_signs_in_common() -> None:
    matrix = clustered(2_000)
    (query,) = clustered(1, seed=5)
    known = signs_of(matrix)
    apart = known.differing(query)
    left = known.left(query, 100)
    assert left.tolist() == sorted(np.argsort(apart, kind="stable")[:100].tolist())
    some = np.arange(3, 2_000, 7)
    assert set(known.left(query, 20, some).tolist()) <= {*some.tolist()}
    assert known.left(query, 400, some).tolist() == some.tolist()


def test_of_equally_distant_vectors_the_first_are_left_for_the_second_look() -> None:
    (query,) = clustered(1)
    assert signs_of(np.tile(query, (500, 1))).left(query, 60).tolist() == list(range(60))


def test_the_vectors_of_chunks_are_found_in_whatever_order_they_were_written(store: Store) -> None:
    matrix = clustered(40)
    owners = np.random.default_rng(3).permutation(np.repeat(np.arange(10), 4))
    found = signs.Signs.of(owners, list(np.ascontiguousarray(signs.packed(matrix).T)))
    for chunks in ([7], [0, 9], [3, 3, 99], []):
        at = found.belonging(np.array(chunks, dtype=np.int64))
        assert found.chunks[at].tolist() == [c for c in sorted({*chunks}) if c < 10 for _ in range(4)]
    (query,) = clustered(1, seed=6)
    apart = {owner: found.differing(query)[found.chunks == owner] for owner in range(10)}
    alone = signs_of(matrix).differing(query)
    assert all(sorted(apart[o].tolist()) == sorted(alone[owners == o].tolist()) for o in range(10))


def test_a_query_like_none_of_the_vectors_has_more_of_them_read_where_they_are_not_in_memory(
    tmp_path: Path,
) -> None:
    chance = np.random.default_rng(8)
    matrix = chance.standard_normal((20_000, 384)).astype(
        np.float32
    )  # everything is about as far from everything
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    queries = clustered(20, seed=9, size=384)
    with Store(tmp_path / "terakoya.duckdb", read_only=False, memory_mb=KEPT_MB) as store:
        fill(store, matrix)
        searched = Nearest(store)

        def hits(*, thorough: bool) -> int:
            return sum(
                len({*searched.find(q, 10, thorough=thorough)} & {*exact(matrix, q, 10)}) for q in queries
            )

        assert hits(thorough=True) >= 0.9 * 200
        assert hits(thorough=True) > hits(thorough=False)


def test_what_is_added_or_deleted_is_seen_by_the_next_search(store: Store) -> None:
    matrix = clustered(8_000)
    fill(store, matrix)
    searched = Nearest(store)
    (query,) = clustered(1, seed=7)
    assert 8_000 not in searched.find(query, 5)
    with store.transaction() as cursor:
        nearest.insert(cursor, [8_000], [query[None]])
    assert next(iter(searched.find(query, 5))) == 8_000
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM vectors WHERE chunk = 8000")
    assert list(searched.find(query, 5)) == exact(matrix, query, 5)


def test_the_chunks_of_a_filter_are_looked_up_again_when_the_store_has_changed(
    store: Store, write, sync
) -> None:
    folder = write({"a/one.md": "one", "b/two.md": "two"})
    sync(folder)
    wanted = Filter(folders=("b",))

    def inside() -> int:
        return len(Chunks(wanted, store.root_names()).numbers(store))

    assert inside() == inside() == 1
    for folders in range(20):  # only some are remembered
        assert len(Chunks(Filter(folders=(f"c{folders}",)), store.root_names()).numbers(store)) == 0
    assert len(store.filtered()) < 10
    sync(write({"b/three.md": "three"}))
    assert inside() == 2


def test_a_sample_is_as_large_where_many_vectors_were_deleted(store: Store) -> None:
    fill(store, clustered(2_000))
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM vectors WHERE chunk % 10 <> 3")
    searched = Nearest(store)
    assert searched.count() == 200
    sample = searched.sample(100)
    assert len(sample) >= 90
    assert len(np.unique(sample, axis=0)) == len(sample)
