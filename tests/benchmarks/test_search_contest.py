"""The search benchmark's own side at a small size, without the peers."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.chart import chart
from benchmarks.made_notes import SECTIONS, NoteMaker
from benchmarks.real_sentences import sentences
from benchmarks.rivals import Result, reciprocal_rank
from benchmarks.search import OURS, PEERS, Bench, nearest, parsed
from benchmarks.vectors_like_real import Likeness, questions_about
from ingest.read import read_note
from terakoya.text.analyser import Analyser

SIZE = 1_000
WIDTH = 64


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def sample() -> NDArray[np.float32]:
    chance = np.random.default_rng(3)
    return unit(
        chance.standard_normal((SIZE, WIDTH)) * np.linspace(2, 0.1, WIDTH) + np.linspace(0.5, 0, WIDTH)
    )


@pytest.fixture
def bench(tmp_path: Path, sample: NDArray[np.float32]) -> Bench:
    options = ["--alone", "--rounds", "2", "--queries", "4", "--passages", "200", "--different", "100"]
    bench = Bench(parsed(options), tmp_path)
    bench.likeness, bench.nearness = Likeness.of(sample), 0.6
    return bench


def test_made_vectors_have_the_mean_and_the_variances_of_the_sample(sample: NDArray[np.float32]) -> None:
    made = np.concatenate(list(Likeness.of(sample).pages(20 * SIZE)))
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert np.linalg.norm(made.mean(axis=0) - sample.mean(axis=0)) < 0.1
    assert np.corrcoef(made.var(axis=0), sample.var(axis=0))[0, 1] > 0.95


def test_made_vectors_have_near_neighbours_as_text_has(sample: NDArray[np.float32]) -> None:
    made = np.concatenate(list(Likeness.of(sample).pages(4 * SIZE)))
    normal = unit(
        np.random.default_rng(1).multivariate_normal(sample.mean(axis=0), np.cov(sample.T), 4 * SIZE)
    )

    def nearest_of(vectors: NDArray[np.float32]) -> float:
        similarities = vectors @ vectors[:100].T
        return float(np.sort(similarities, axis=0)[-2].mean())

    assert nearest_of(made) > nearest_of(normal) + 0.03


def test_a_question_is_as_near_to_its_vector_as_asked(sample: NDArray[np.float32]) -> None:
    asked = questions_about(sample, 50, 0.6)
    assert np.allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-4)
    assert ((asked @ sample.T).max(axis=1) >= 0.6 - 1e-4).all()


def test_true_neighbours_are_those_of_the_whole_product(sample: NDArray[np.float32], tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", sample)
    queries, few = sample[:5], np.arange(0, SIZE, 7)
    whole = np.argsort(-(sample @ queries.T), axis=0, kind="stable")[:10].T.tolist()
    assert nearest(tmp_path / "vectors.npy", queries, None) == whole
    among = few[np.argsort(-(sample[few] @ queries.T), axis=0, kind="stable")[:10]].T.tolist()
    assert nearest(tmp_path / "vectors.npy", queries, few) == among


def test_each_section_of_a_made_note_is_one_passage(analyser: Analyser) -> None:
    note = NoteMaker().note(5)
    assert note == NoteMaker().note(5) != NoteMaker().note(6)
    read = read_note(note.encode(), path="note.md", root="/notes", analyser=analyser)
    assert len(read.chunks) == SECTIONS
    assert read.language == "en"


def test_sentences_are_the_same_on_each_run() -> None:
    found = sentences(20)
    assert found == sentences(20)
    assert all(" " in sentence and sentence[0].isupper() for sentence in found)


def test_terakoya_finds_the_true_neighbours_of_a_thousand_vectors(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.vectors("made", SIZE)
    results = bench.report["parts"][0]["results"]
    assert list(results) == [entry.name for entry in OURS]
    assert all(result["recall"] == 1.0 and result["ratio"] > 0 for result in results.values())
    assert "| Terakoya |" in capsys.readouterr().out
    assert not list(bench.folder.glob("*/"))


def test_terakoya_finds_passages_by_their_words(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.words(200)
    results = bench.report["parts"][0]["results"]
    assert results["Terakoya"]["rank"] > 0.9
    assert results["Terakoya, words and vectors"]["median"] > 0
    assert "200 passages" in capsys.readouterr().out


def test_a_store_of_copies_takes_another_note(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.large(250)
    results = bench.report["parts"][0]["results"]
    assert results["one note more"]["median"] > 0
    assert "Terakoya with 250 passages" in capsys.readouterr().out


def test_who_builds_too_long_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.options.alone, bench.options.budget = False, 0.01
    bench.vectors("made", SIZE)
    shown = capsys.readouterr().out
    assert all(f"| {peer.name} | not finished: not built in 0 s |" in shown for peer in PEERS)
    assert "| Terakoya | not" not in shown


def test_the_chart_names_all_contestants() -> None:
    results = {"numpy": {"median": 1.0, "recall": 1.0}, "a < b": {"failure": "too slow"}}
    part = {"part": "vectors", "kind": "made", "size": 10, "results": results}
    drawn = ElementTree.fromstring(chart([part, part | {"size": 1_000}]))
    shown = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"numpy", "a < b", "10", "1,000"} <= set(shown)
    assert ElementTree.fromstring(chart([])) is not None


def test_an_item_that_is_not_found_has_no_rank() -> None:
    result = Result(found=[[4, 7], [7, 4], [1]])
    assert reciprocal_rank(result, [4, 4, 4]) == (2 / 3, 0.5)


def test_the_peers_are_not_needed(bench: Bench) -> None:
    assert bench.peers == Path(sys.executable)


def test_what_lies_beyond_the_written_vectors_is_not_among_them(
    sample: NDArray[np.float32], tmp_path: Path
) -> None:
    beyond = Likeness.of(sample).write(tmp_path / "made.npy", 300, 20)
    written = np.load(tmp_path / "made.npy")
    assert written.shape == (300, WIDTH)
    assert beyond.shape == (20, WIDTH)
    assert (beyond @ written.T).max() < 0.999
