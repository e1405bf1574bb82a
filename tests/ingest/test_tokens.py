"""Token limits: counted with the model's own tokenizer, kept by chunks, and windows where one unit is over it."""

import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunks import chunk
from ingest.document import Node
from ingest.embedder import embedder_named, packaged_model
from ingest.markdown import parse
from ingest.read import Reading, read_note
from ingest.tokens import ModelTokens, tokens_of, windows
from terakoya.text.analyser import Analyser

WORDS = st.sampled_from(
    [
        *("the", "model", "reads", "tokens", "gradient", "descent", "GPU使用率", "embeddings", "量子化"),
        *("https://example.org/a_b-c", "3.14", "ünïcode"),
    ]
)
ENGLISH = "The gradient of the loss tells in which direction every weight of the network has to move. "


@pytest.fixture(scope="module")
def counter() -> ModelTokens:
    """Of the packaged MiniLM."""
    folder = packaged_model()
    assert folder is not None
    found = tokens_of(str(folder))
    assert found is not None
    return found


def small(counter: ModelTokens, limit: int) -> "Small":
    return Small(counter, limit)


class Small:
    """The model's tokenizer with another limit."""

    def __init__(self, counter: ModelTokens, limit: int) -> None:
        self.limit = limit
        self.fingerprint = f"small-{limit}"
        self.count = counter.count
        self.spans = counter.spans


def test_counts_and_limit_are_the_model_s_own(counter: ModelTokens) -> None:
    embedder = embedder_named("all-MiniLM-L6-v2")
    assert embedder is not None
    model = embedder._model
    assert counter.limit == model.max_seq_length == 256
    for text in ("", "Gradient descent", "GPU使用率を上げる", ENGLISH * 3):
        assert counter.count(text) == int(model.tokenize([text])["input_ids"].shape[1])


def test_a_folder_without_a_tokenizer_has_no_limit(tmp_path: Path) -> None:
    assert tokens_of(str(tmp_path)) is None


def test_a_tokenizer_pickles_as_its_place(counter: ModelTokens) -> None:
    assert len(pickle.dumps(counter)) < 1000
    assert pickle.loads(pickle.dumps(counter)).count(ENGLISH) == counter.count(ENGLISH)


def test_another_prefix_is_another_tokenizer(counter: ModelTokens) -> None:
    prefixed = ModelTokens(counter.location, "passage: ")
    assert prefixed.count("word") == counter.count("passage: word")
    assert prefixed.fingerprint != counter.fingerprint


def test_a_text_within_the_limit_is_one_window(counter: ModelTokens) -> None:
    assert windows("Notes > Training", ENGLISH, counter) == (f"Notes > Training\n{ENGLISH}",)
    assert windows("", "", counter) == ("",)


def test_a_text_over_the_limit_is_read_in_windows_that_overlap(counter: ModelTokens) -> None:
    text = " ".join(f"word{n}" for n in range(900))
    made = windows("Notes > Training", text, counter)
    assert len(made) > 3
    pieces = []
    for window in made:
        assert counter.count(window) <= counter.limit
        lead, _, piece = window.partition("\n")
        assert lead == "Notes > Training"
        pieces.append(piece.split())
    assert pieces[0][0] == "word0"
    assert pieces[-1][-1] == "word899"
    for before, after in pairwise(pieces):
        assert after[0] in before, "no gap, and a border that both sides see"


def test_headings_that_leave_no_room_are_shortened_from_their_far_end(counter: ModelTokens) -> None:
    made = windows("far away " * 200 + "near", ENGLISH * 30, small(counter, 64))
    assert all(counter.count(window) <= 64 for window in made)
    assert all(window.split("\n")[0].endswith("near") for window in made)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(WORDS, max_size=400), limit=st.integers(24, 128), context=st.lists(WORDS, max_size=30))
def test_windows_lose_no_word_and_keep_the_limit(
    counter: ModelTokens, words: list[str], limit: int, context: list[str]
) -> None:
    text = " ".join(words)
    made = windows(" ".join(context), text, small(counter, limit))
    assert all(counter.count(window) <= limit for window in made)
    position = 0
    for window in made:
        piece = window if not context or len(made) == 1 else window.split("\n", 1)[-1]
        if len(made) == 1:
            assert text in window
            return
        found = text.find(piece, max(0, position - len(piece)))
        assert found >= 0
        assert not text[position:found].strip(), "a gap"
        position = max(position, found + len(piece))
    assert not text[position:].strip()


def leaves(nodes: tuple[Node, ...] | list[Node]) -> list[Node]:
    return [leaf for node in nodes for leaf in (leaves(node.children) if node.children else [node])]


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            [
                "# A heading\n\n",
                ENGLISH + "\n\n",
                ENGLISH * 4 + "\n\n",
                ENGLISH * 20 + "\n\n",
                "- an item of the list\n  - with an item below it\n",
                "- " + ENGLISH + "\n",
                "| name | value |\n|---|---|\n" + "| row | " + ENGLISH + " |\n",
                "```\ncode = 1\n```\n\n",
                "日本語の文がここにある。\n\n",
            ]
        ),
        max_size=12,
    )
)
def test_a_chunk_of_several_units_keeps_the_embedder_s_limit(
    counter: ModelTokens, analyser: Analyser, parts: list[str]
) -> None:
    reading = Reading(languages=frozenset({"en"}), tokens=small(counter, 96))
    note = read_note("".join(parts).encode(), path="a.md", root="/r", analyser=analyser, reading=reading)
    for record in note.chunks:
        assert bool(record.windows) == (record.language == "en")
        assert all(counter.count(window) <= 96 for window in record.windows)
        if len(record.windows) > 1:
            units = [
                b for b in record.chunk.blocks if b.extent == b.end and b.kind not in ("heading", "table")
            ]
            heavy = max(counter.count(record.text[b.start : b.extent]) for b in record.chunk.blocks)
            assert len(units) <= 2, record.text
            assert heavy > 48, "one unit that is over the limit, not several that could stand apart"


def test_a_unit_over_the_limit_stays_one_chunk(counter: ModelTokens) -> None:
    reading = Reading(languages=frozenset({"en"}), tokens=small(counter, 64))
    text = f"# Training\n\nShort.\n\n{ENGLISH * 8}\n\nShort again.\n"
    pieces = [text[c.start : c.end] for c in chunk(parse(text), reading.fits)]
    assert sum((ENGLISH * 8).strip() in piece for piece in pieces) == 1


def test_chunks_without_an_embedder_do_not_depend_on_one(counter: ModelTokens) -> None:
    assert Reading().version != Reading(languages=frozenset({"en"}), tokens=counter).version
    japanese = "# 光合成\n\n" + "葉緑体で光のエネルギーが化学エネルギーに変わる。" * 20
    reading = Reading(languages=frozenset({"en"}), tokens=small(counter, 32))
    assert chunk(parse(japanese), reading.fits) == chunk(parse(japanese))
