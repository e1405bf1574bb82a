"""Rerankers by name and folder, what they may do to a ranking, and for how long."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.embedder import packaged_model
from ingest.reranker import CATALOGUE, CrossEncoderReranker, reranker_named
from ingest.reranking import BATCH, DEPTH, TRUST, Reranking, RerankingRetriever
from ingest.search import HybridRetriever
from terakoya.errors import BadInput, Unavailable
from terakoya.protocols import Reranker
from terakoya.types import Hit, Language, Passage
from tests.cross_encoders import LIMIT, MARK, make_cross_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> CrossEncoderReranker:
    found = reranker_named(str(folder))
    assert found is not None
    return found


class Time:
    """Seconds that grow only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """Takes a second for each text, and finds the last one the most relevant."""

    name = "worker"
    languages: frozenset[Language] = frozenset({"ja", "en"})

    def __init__(self, time: Time, *, loading: float = 0.0) -> None:
        self.time = time
        self.loading = loading
        self.read = 0

    def warm(self) -> None:
        self.time.now += self.loading

    def relevance(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        self.time.now += len(texts)
        self.read += len(texts)
        return [0.5 + (self.read - len(texts) + at) / 1000 for at in range(len(texts))]


def hits(texts: Sequence[str], languages: Sequence[Language] = ()) -> list[Hit]:
    return [
        Hit(
            passage=Passage(
                id=f"{at:02}",
                source="note.md",
                heading=(),
                ancestors=(),
                start_line=1,
                end_line=1,
                start=0,
                end=len(text),
                text=text,
                language=languages[at] if languages else "en",
            ),
            score=1.0 - at / 100,
            arms={"lexical": 1.0 - at / 100},
        )
        for at, text in enumerate(texts)
    ]


def order(ranked: Sequence[Hit]) -> list[int]:
    return [int(hit.passage.id) for hit in ranked]


def test_names_of_the_catalogue_are_told_to_who_misspells_one() -> None:
    with pytest.raises(BadInput) as caught:
        reranker_named("japanese-reranker")
    assert all(name in caught.value.message("en") for name in CATALOGUE)


def test_a_reranker_goes_by_its_name_on_the_hub_too() -> None:
    found = reranker_named("hotchpotch/japanese-reranker-xsmall-v2")
    assert found is not None
    assert (found.name, found.languages) == ("japanese-reranker-xsmall-v2", {"ja"})


def test_none_is_no_reranker() -> None:
    assert reranker_named("none") is None


def test_a_folder_with_a_name_of_the_catalogue_is_that_model(tmp_path: Path) -> None:
    (tmp_path / "ms-marco-MiniLM-L6-v2").mkdir()
    found = reranker_named(str(tmp_path / "ms-marco-MiniLM-L6-v2"))
    assert found is not None
    assert found.languages == {"en"}


def test_a_real_model_scores_each_text_between_0_and_1(reranker: CrossEncoderReranker) -> None:
    with_mark, without, again = reranker.relevance("qq", [f"aa{MARK}a", "aaaa", f"aa{MARK}a"])
    assert 0 <= without < 0.5 < with_mark <= 1
    assert with_mark == pytest.approx(again)
    assert reranker.relevance("qq", []) == []


def test_what_stands_at_the_end_of_a_text_over_the_limit_counts(reranker: CrossEncoderReranker) -> None:
    long = "a" * 5 * LIMIT
    at_the_end, nowhere = reranker.relevance("qq", [f"{long}{MARK}a", long])
    assert nowhere < 0.5 < at_the_end


def test_a_query_over_the_limit_leaves_room_for_the_text(reranker: CrossEncoderReranker) -> None:
    with_mark, without = reranker.relevance("q" * 10 * LIMIT, [f"aa{MARK}a", "aaaa"])
    assert without < with_mark


def test_an_embedder_is_no_reranker() -> None:
    model = packaged_model()
    assert model is not None
    found = reranker_named(str(model))
    assert found is not None
    with pytest.raises(Unavailable) as caught:
        found.warm()
    assert caught.value.key == "reranker_kind"


def test_a_classifier_with_several_labels_is_no_reranker(tmp_path: Path) -> None:
    found = reranker_named(str(make_cross_encoder(tmp_path / "three", labels=3)))
    assert found is not None
    with pytest.raises(Unavailable) as caught:
        found.relevance("qq", ["aa"])
    assert caught.value.key == "reranker_kind"


@pytest.mark.parametrize("damage", ["weights", "config", "everything"])
def test_a_model_that_does_not_load_is_an_error_that_names_it(
    tmp_path: Path, folder: Path, damage: str
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    if damage == "weights":
        (broken / "model.safetensors").write_bytes(b"nothing")
    elif damage == "config":
        (broken / "config.json").write_text(json.dumps({"model_type": "unheard"}))
    else:
        for file in broken.iterdir():
            file.unlink()
    found = reranker_named(str(broken))
    assert found is not None
    with pytest.raises(Unavailable) as caught:
        found.warm()
    assert caught.value.key == "reranker_load"
    assert str(broken) in caught.value.message("en")


def test_hits_are_reordered_by_what_a_real_model_says(reranker: CrossEncoderReranker) -> None:
    found = hits(["aaaa", "aaaa", f"aa{MARK}a"])
    ranked = Reranking(reranker, 60).reordered("qq", found)
    assert order(ranked) == [2, 0, 1]
    assert [hit.score for hit in ranked] == [hit.score for hit in found]
    assert ranked[0].arms == {
        "lexical": found[2].arms["lexical"],
        "reranker": pytest.approx(reranker.relevance("qq", [f"aa{MARK}a"])[0], abs=1e-3),
    }


def test_where_the_reranker_sees_no_difference_the_order_stays(reranker: CrossEncoderReranker) -> None:
    assert order(Reranking(reranker, 60).reordered("qq", hits(["aaaa"] * 10))) == list(range(10))


def test_search_has_its_part_in_the_order() -> None:
    found = hits(["a"] * 2)
    assert found[0].score * (1 - TRUST) > 0.0
    time = Time()
    # a thousandth more relevant does not outweigh a hundredth of search's score
    assert order(Reranking(Worker(time), 10, clock=time).reordered("q", found)) == [0, 1]


@pytest.mark.parametrize(
    ("seconds", "read"),
    [(0.5, BATCH), (BATCH, BATCH), (2 * BATCH - 0.5, BATCH), (2 * BATCH, 2 * BATCH), (1000, DEPTH)],
)
def test_as_many_are_read_as_there_is_time_for_and_the_first_batch_always(seconds: float, read: int) -> None:
    time = Time()
    worker = Worker(time)
    ranked = Reranking(worker, seconds, clock=time).reordered("q", hits(["same"] * 50))
    assert worker.read == read
    assert {int(hit.passage.id) for hit in ranked if "reranker" in hit.arms} == set(range(read))


@pytest.mark.parametrize("seconds", [1, 5, 9, 13, 17, 100])
def test_a_run_that_ends_early_moves_nothing_that_it_did_not_read(
    seconds: float, reranker: CrossEncoderReranker
) -> None:
    time = Time()

    class Slow(Worker):
        def relevance(self, query: str, texts: Sequence[str]) -> Sequence[float]:
            super().relevance(query, texts)
            return reranker.relevance(query, texts)

    found = hits([f"aa{MARK if at % 3 == 2 else 'a'}a" for at in range(20)])
    ranked = Reranking(Slow(time), seconds, clock=time).reordered("qq", found)
    read = sum("reranker" in hit.arms for hit in ranked)
    assert order(ranked)[read:] == list(range(read, 20))
    # among those that were read: the same as if there had been no others
    assert order(ranked)[:read] == order(Reranking(reranker, 60).reordered("qq", found[:read]))


def test_loading_the_model_is_not_counted() -> None:
    time = Time()
    worker = Worker(time, loading=1000.0)
    Reranking(worker, 2 * BATCH, clock=time).reordered("q", hits(["same"] * 20))
    assert worker.read == 2 * BATCH


def test_a_long_passage_is_foreseen_to_take_longer() -> None:
    time = Time()
    worker = Worker(time)
    Reranking(worker, 2 * BATCH, clock=time).reordered("q", hits(["aaaa"] * BATCH + ["a" * 400] * BATCH))
    assert worker.read == BATCH


def test_passages_that_it_does_not_read_keep_their_place(reranker: CrossEncoderReranker) -> None:
    class English(Worker):
        languages: frozenset[Language] = frozenset({"en"})

        def relevance(self, query: str, texts: Sequence[str]) -> Sequence[float]:
            return reranker.relevance(query, texts)

    found = hits(
        ["aaaa", "これは日本語", "aaaa", f"日本語{MARK}", f"aa{MARK}a"], ["en", "ja", "en", "ja", "en"]
    )
    ranked = Reranking(English(Time()), 60).reordered("which", found)
    assert order(ranked) == [4, 1, 0, 3, 2]
    assert [at for at, hit in enumerate(ranked) if "reranker" not in hit.arms] == [1, 3]


def test_a_query_that_it_does_not_read_changes_nothing() -> None:
    class Japanese(Worker):
        languages: frozenset[Language] = frozenset({"ja"})

    worker: Reranker = Japanese(Time())
    found = hits(["aaaa", f"aa{MARK}a"])
    assert list(Reranking(worker, 60).reordered("which", found)) == found


def test_a_search_with_a_reranker_finds_behind_the_asked_for(store, sync, write, analyser, reranker) -> None:
    notes = {f"{at:02}.md": "# Note\n\nThe river has a bank.\n" for at in range(12)}
    sync(write({**notes, "far.md": f"# Note\n\nAmong many other words, a river. {MARK}\n"}))
    inner = HybridRetriever(store, analyser, None)
    retriever = RerankingRetriever(inner, Reranking(reranker, 60))
    assert "far.md" not in [hit.passage.source for hit in inner.search("river bank", k=3).hits]
    ranking = retriever.search("river bank", k=3)
    assert ranking.hits[0].passage.source == "far.md"
    assert (len(ranking.hits), ranking.arms) == (3, ("lexical", "reranker"))
    assert retriever.passages([ranking.hits[0].passage.id]) == [ranking.hits[0].passage]
    with pytest.raises(BadInput):
        retriever.search("river", k=0)


def test_a_search_that_finds_nothing_is_not_reread(store, analyser, reranker) -> None:
    ranking = RerankingRetriever(HybridRetriever(store, analyser, None), Reranking(reranker, 60)).search(
        "river"
    )
    assert (ranking.hits, ranking.arms) == ((), ("lexical",))
