"""Postings lie in few sorted runs, whatever came and went, and none is lost."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from ingest import postings
from ingest.postings import GRAMS, WORDS, Postings, code
from ingest.store import Store

Row = tuple[int, str, int, int]


def words(chance: random.Random) -> Counter[str]:
    return Counter(f"w{int(chance.paretovariate(0.7))}" for _ in range(chance.randrange(1, 40)))


def stored(store: Store) -> list[Row]:
    return store.rows("SELECT field, term, chunk, count FROM postings ORDER BY ALL")


def runs(store: Store) -> list[list[tuple[int, int]]]:
    """Terms and chunks of each run as they lie in the file, then those of the tail."""
    lasts = [-1, *(last for (last,) in store.rows("SELECT last FROM runs ORDER BY last")), 2**62]
    return [
        store.rows(
            "SELECT term, chunk FROM occurrences WHERE chunk > $low AND chunk <= $high ORDER BY rowid",
            {"low": low, "high": high},
        )
        for low, high in pairwise(lasts)
    ]


def test_runs_stay_few_and_sorted_while_chunks_come_and_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "TAIL", 200)
    chance = random.Random(1)
    expected: dict[int, list[Row]] = {}
    for batch in range(60):
        with store.transaction() as cursor:
            added = Postings()
            for chunk in range(batch * 10, batch * 10 + 10):
                bags = words(chance), words(chance)
                added.add(chunk, *bags)
                expected[chunk] = [
                    (field, term, chunk, n)
                    for field, bag in zip((WORDS, GRAMS), bags, strict=True)
                    for term, n in bag.items()
                ]
            added.insert(cursor)
            if batch % 7 == 3:
                gone = chance.sample(sorted(expected), 9)
                cursor.execute(
                    "DELETE FROM occurrences WHERE chunk IN (SELECT unnest($gone))", {"gone": gone}
                )
                for chunk in gone:
                    del expected[chunk]
        *sorted_runs, tail = runs(store)
        assert len(tail) <= 200
        assert len(sorted_runs) <= 7
        assert all(run == sorted(run) for run in sorted_runs)
    assert stored(store) == sorted(row for rows in expected.values() for row in rows)
    with store.transaction() as cursor:
        postings.arrange(cursor, whole=True)
    assert len(runs(store)) == 2
    assert stored(store) == sorted(row for rows in expected.values() for row in rows)
    assert store.rows("SELECT code FROM terms WHERE code NOT IN (SELECT term FROM occurrences)") == []


def test_a_transaction_that_fails_leaves_the_runs_as_they_were(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "TAIL", 10)
    first, second = Postings(), Postings()
    first.add(1, Counter({f"a{n}": 1 for n in range(30)}), Counter())
    second.add(2, Counter({f"b{n}": 1 for n in range(30)}), Counter())
    with store.transaction() as cursor:
        first.insert(cursor)
    before = stored(store), runs(store)

    def fail() -> None:
        with store.transaction() as cursor:
            second.insert(cursor)
            raise KeyError("stopped")

    with pytest.raises(KeyError):
        fail()
    assert (stored(store), runs(store)) == before


def test_the_length_of_a_chunk_stands_beside_each_of_its_terms(store: Store) -> None:
    added = Postings()
    added.add(5, Counter({"x": 2, "y": 1}), Counter({"あい": 4}))
    with store.transaction() as cursor:
        added.insert(cursor)
    rows = store.rows("SELECT term, length FROM occurrences")
    assert dict(rows) == {code(WORDS, "x"): 3, code(WORDS, "y"): 3, code(GRAMS, "あい"): 4}


def test_terms_of_the_two_fields_and_unpaired_surrogates_have_codes_of_their_own() -> None:
    assert code(WORDS, "体") != code(GRAMS, "体")
    assert -(2**63) <= code(WORDS, "\ud800") < 2**63
    assert code(WORDS, "光合成") == code(WORDS, "光合成")
