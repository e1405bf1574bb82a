"""Vectors in memory: read when a process goes on searching, in step with the store, and never beyond their share."""

import threading
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest import held, nearest
from ingest.filters import Chunks
from ingest.held import KEPT_MB, OFTEN, difference
from ingest.nearest import Nearest
from ingest.store import Store
from terakoya.errors import Unavailable
from terakoya.types import Filter
from tests.ingest.test_nearest import SIZE, clustered, exact, fill

COUNT = 7_000
"""Vectors: more than are compared one by one."""


def add(store: Store, chunks: list[int], matrix: NDArray[np.float32]) -> None:
    with store.transaction() as cursor:
        nearest.insert(cursor, chunks, [row[None] for row in matrix])


def delete(store: Store, chunks: list[int]) -> None:
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM vectors WHERE chunk IN (SELECT unnest($c))", {"c": chunks})


def in_memory(store: Store) -> held.Copy | None:
    return store.held().copy


def hold(store: Store) -> held.Copy:
    store.held.begin()
    store.held.wait()
    copy = in_memory(store)
    assert copy
    return copy


def memory_limit(store: Store) -> str:
    return str(store.rows("SELECT current_setting('memory_limit')")[0][0])


@pytest.fixture
def many(store: Store) -> NDArray[np.float32]:
    """Vectors in the store, by the number of their chunk."""
    matrix = clustered(COUNT)
    fill(store, matrix)
    return matrix


def test_the_nearest_are_found_in_memory_with_the_similarities_that_the_store_gives(
    store: Store, many: NDArray[np.float32]
) -> None:
    searched, queries = Nearest(store), clustered(30, seed=2)
    before = [searched.of(query, range(50)) for query in queries]
    hold(store)
    assert [searched.of(query, range(50)) for query in queries] == before
    hits = 0
    for query in queries:
        found = searched.find(query, 10)
        hits += len({*found} & {*exact(many, query, 10)})
        assert list(found.values()) == pytest.approx([float(many[c] @ query) for c in found], abs=1e-5)
        assert list(found.values()) == sorted(found.values(), reverse=True)
    assert hits / 300 >= 0.99


def test_a_process_that_searches_once_reads_no_vectors_and_one_that_goes_on_does(
    store: Store, many: NDArray[np.float32]
) -> None:
    searched = Nearest(store)
    for query in many[: OFTEN - 1]:
        searched.find(query, 3)
    store.held.wait()
    assert in_memory(store) is None
    searched.find(many[0], 3)
    store.held.wait()
    assert in_memory(store)


def test_few_vectors_are_not_held(store: Store) -> None:
    fill(store, clustered(500))
    searched = Nearest(store)
    searched.hold()
    for query in clustered(2 * OFTEN):
        searched.find(query, 3)
    store.held.wait()
    assert in_memory(store) is None


def test_of_equal_vectors_the_first_chunks_are_found_in_their_order(
    store: Store, many: NDArray[np.float32]
) -> None:
    (query,) = clustered(1, seed=12)
    add(store, list(range(9_000, 9_040)), np.tile(query, (40, 1)))
    searched = Nearest(store)
    outside = list(searched.find(query, 12))
    hold(store)
    found = searched.find(query, 12)
    assert list(found) == outside == list(range(9_000, 9_012))
    assert len({*found.values()}) == 1


def test_after_a_change_only_what_came_is_read(store: Store, many: NDArray[np.float32]) -> None:
    copy = hold(store)
    free, searched = copy.rounded.free, Nearest(store)
    (one, other) = clustered(2, seed=13)
    add(store, [8_000, 9_000], np.stack([one, other]))
    assert next(iter(searched.find(other, 3))) == 9_000
    now = in_memory(store)
    assert now
    assert now.rounded is copy.rounded
    assert now.rounded.free == free - 2
    delete(store, [9_000, 17])
    assert list(searched.find(other, 3)) == exact(many, other, 3)
    add(store, [8_500], other[None])  # between those that are there
    assert next(iter(searched.find(other, 3))) == 8_500
    now = in_memory(store)
    assert now
    assert now.rounded is copy.rounded
    assert now.rounded.free == free - 3
    store.add_feedback("trace", 1, "")  # a change that is none of the vectors
    assert in_memory(store) == now


def test_what_comes_in_great_numbers_is_found_at_once_and_read_aside(
    store: Store, many: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PAGE", 100)
    rounded = hold(store).rounded
    more = clustered(300, seed=14)
    add(store, list(range(COUNT, COUNT + 300)), more)
    assert in_memory(store) is None
    searched = Nearest(store)
    assert next(iter(searched.find(more[5], 3))) == COUNT + 5
    store.held.wait()
    now = in_memory(store)
    assert now
    assert now.rounded is rounded
    assert next(iter(searched.find(more[5], 3))) == COUNT + 5


def test_what_has_no_room_left_beside_the_others_is_read_into_a_larger_one(
    store: Store, many: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PAGE", 500)
    copy = hold(store)
    more = clustered(copy.rounded.free + 1, seed=15)
    add(store, list(range(COUNT, COUNT + len(more))), more)
    now = hold(store)
    assert now.rounded is not copy.rounded
    assert len(now.chunks) == COUNT + len(more)
    assert next(iter(Nearest(store).find(more[-1], 3))) == COUNT + len(more) - 1


def test_vectors_of_another_embedder_are_read_anew(store: Store, many: NDArray[np.float32]) -> None:
    hold(store)
    usual = memory_limit(store)
    with store.transaction() as cursor:
        cursor.execute("DROP TABLE vectors")
    assert in_memory(store) is None
    assert memory_limit(store) > usual
    other = clustered(COUNT, seed=16)  # of the same chunks
    fill(store, other)
    searched = Nearest(store)
    assert list(searched.find(other[3], 5)) == exact(other, other[3], 5)
    hold(store)
    assert list(searched.find(other[3], 5)) == exact(other, other[3], 5)


def test_windows_of_a_chunk_stand_for_it_and_filters_compose(store: Store, write, sync) -> None:
    notes = {f"{'a' if n % 3 else 'b'}/n{n}.md": f"note {n}" for n in range(1_200)}
    sync(write(notes))
    chunks = [number for (number,) in store.rows("SELECT id FROM chunks ORDER BY id")]
    windows = clustered(len(chunks) * 6).reshape(-1, 6, SIZE)
    with store.transaction() as cursor:
        nearest.insert(cursor, chunks[::2], list(windows[::2]))
        nearest.insert(cursor, chunks[1::2], list(windows[1::2]))
    hold(store)
    only = Chunks(Filter(folders=("b",)), store.root_names())
    inside = {number for (number,) in store.rows(only.sql, only.values)}
    for query in clustered(5, seed=3):
        best = {c: float((windows[at] @ query).max()) for at, c in enumerate(chunks)}
        found = Nearest(store).find(query, 25, only)
        assert list(found) == sorted(inside, key=lambda c: -best[c])[:25]
        assert found == pytest.approx({c: best[c] for c in found}, abs=1e-5)
        assert len(Nearest(store).find(query, 300)) == 300


def test_signs_and_vectors_of_windows_stand_alike_in_whatever_order_they_are_read(store: Store) -> None:
    windows = clustered(COUNT).reshape(-1, 7, SIZE)
    with store.transaction() as cursor:
        nearest.insert(cursor, range(len(windows)), list(windows))
    with store.cursor() as cursor:
        cursor.execute("SET preserve_insertion_order = false")
    copy = hold(store)
    query = clustered(1, seed=20)[0]
    at = np.arange(COUNT)
    similar = copy.products(query, at)
    assert similar == pytest.approx(windows.reshape(-1, SIZE) @ query, abs=3e-5)


def test_without_room_the_vectors_stay_in_the_store_and_duckdb_keeps_its_memory(tmp_path: Path) -> None:
    matrix = clustered(COUNT)
    with Store(tmp_path / "terakoya.duckdb", read_only=False, memory_mb=KEPT_MB) as store:
        fill(store, matrix)
        usual, searched = memory_limit(store), Nearest(store)
        searched.hold()
        for query in clustered(2 * OFTEN, seed=2):
            assert len({*searched.find(query, 10)} & {*exact(matrix, query, 10)}) >= 9
        store.held.wait()
        assert in_memory(store) is None
        assert memory_limit(store) == usual


def test_what_outgrows_its_share_is_let_go(tmp_path: Path) -> None:
    matrix = clustered(COUNT)
    with Store(tmp_path / "terakoya.duckdb", read_only=False, memory_mb=KEPT_MB + 2) as store:
        fill(store, matrix)
        usual = memory_limit(store)
        room = hold(store).rounded
        assert memory_limit(store) < usual
        more = clustered(room.free + 1, seed=17)
        add(store, list(range(COUNT, COUNT + len(more))), more)
        searched = Nearest(store)
        searched.hold()
        store.held.wait()
        assert in_memory(store) is None
        assert memory_limit(store) == usual
        assert next(iter(searched.find(more[-1], 3))) == COUNT + len(more) - 1
        delete(store, list(range(COUNT, COUNT + len(more))))
        hold(store)


def test_a_store_can_be_closed_while_its_vectors_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PAGE", 50)
    path = tmp_path / "terakoya.duckdb"
    with Store(path, read_only=False) as store:
        fill(store, clustered(COUNT))
        store.held.begin()
    with pytest.raises(Unavailable):
        store.held()
    with Store(path, read_only=True) as store:  # nobody else has it open any more
        hold(store)


def test_threads_search_while_another_adds_and_deletes(store: Store, many: NDArray[np.float32]) -> None:
    hold(store)
    searched, queries = Nearest(store), clustered(10, seed=18)
    wanted = [exact(many, query, 1)[0] for query in queries]
    over, wrong = threading.Event(), list[object]()

    def search() -> None:
        while not over.is_set():
            for query, first in zip(queries, wanted, strict=True):
                try:
                    found = searched.find(query, 5)
                except Exception as error:  # told at the end of the test
                    wrong.append(error)
                    return
                if first not in found or list(found.values()) != sorted(found.values(), reverse=True):
                    wrong.append(found)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    rows = clustered(30, seed=19)
    for number, row in enumerate(rows):
        add(store, [COUNT + number], row[None])
        if number % 3 == 2:
            delete(store, [COUNT + number - 1])
        assert COUNT + number in searched.find(row, 3)
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert in_memory(store)


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.randoms(use_true_random=False))
def test_a_difference_tells_what_stays_and_what_is_new(
    before: set[int], after: set[int], chance: Random
) -> None:
    windows = [chance.randint(1, 3) for _ in range(31)]  # all of a chunk's come and go together
    old, new = (
        np.array([n for n in sorted(each) for _ in range(windows[n])], dtype=np.int64)
        for each in (before, after)
    )
    stay, came = difference(old, new)
    assert stay.tolist() == [number in after for number in old.tolist()]
    assert came.tolist() == [number not in before for number in new.tolist()]
