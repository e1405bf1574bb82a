"""Which texts a context holds, by llama.cpp's own memory."""

from collections.abc import Sequence as Tokens
from pathlib import Path

import pytest

from app.models.native import NativeModel
from app.models.options import ModelOptions
from app.models.sequences import Sequence, Sequences
from app.models.shelf import Shelf

COMMON, TAIL, OTHER = range(300, 400), range(400, 700), range(700, 720)


@pytest.fixture(scope="module")
def loaded(bpe_model: Path) -> NativeModel:
    return NativeModel(
        str(bpe_model), context_tokens=1024, cells=1024, threads=1, options=ModelOptions(extra_buffers=False)
    )


@pytest.fixture
def model(loaded: NativeModel) -> NativeModel:
    """With nothing in its cache."""
    for number in range(loaded.sequences):
        loaded.remove(number)
    return loaded


def tokens(model: NativeModel, *parts: range) -> list[int]:
    return [token % model.vocabulary_size for part in parts for token in part]


def read(model: NativeModel, sequences: Sequences, text: Tokens[int], *, room: int = 1024) -> Sequence:
    sequence = sequences.open(text, room=room)
    rest = [token % model.vocabulary_size for token in text[len(sequence) :]]
    model.batch.clear()
    model.batch.add(rest, start=len(sequence), sequence=sequence.number, wanted=1)
    assert model.evaluate()
    sequences.grew(sequence, rest)
    return sequence


def test_what_the_shelf_knows_of_a_prompt_is_not_taken_for_room_that_somebody_holds(
    model: NativeModel,
) -> None:
    sequences = Sequences(model, Shelf(memory=2**26))
    whole = tokens(model, COMMON, TAIL)
    sequences.keep(read(model, sequences, whole))
    sequences.make_room(1024)
    begun = tokens(model, COMMON, OTHER)
    running = read(model, sequences, begun, room=0)
    known, held = sequences.known([*whole, 1])
    assert known == len(whole)
    assert held <= len(COMMON)
    assert not sequences.fits(1024, promised=0, shared=held)
    sequences.drop(running)


def evaluate_others(model: NativeModel, sequences: Sequences, count: int) -> None:
    """So many tokens of texts that nobody keeps."""
    for start in range(0, count, 256):
        sequences.drop(
            read(model, sequences, tokens(model, range(900 - start // 256, 900 - start // 256 + 256)))
        )


def tidied(sequences: Sequences) -> int:
    count = 0
    while sequences.tidy(1024):
        count += 1
    return count


def test_a_text_that_only_slows_others_down_goes_to_the_shelf_and_comes_back_whole(
    model: NativeModel,
) -> None:
    sequences = Sequences(model, Shelf(memory=2**26))
    text = tokens(model, COMMON, TAIL)
    sequences.keep(read(model, sequences, text))
    assert tidied(sequences) == 0  # nobody evaluated anything since
    evaluate_others(model, sequences, 512)
    assert sequences.census()["cells_held"] == len(text)
    assert not sequences.tidy(len(text) - 1)
    assert tidied(sequences) == 1
    assert sequences.census()["cells_held"] == 0
    again = sequences.open([*text, 1], room=1024)
    assert len(again) == model.length(again.number) == len(text)


def test_where_no_shelf_takes_it_a_text_stays_in_the_cache(model: NativeModel) -> None:
    sequences = Sequences(model, Shelf(memory=0))
    text = tokens(model, COMMON, TAIL)
    sequences.keep(read(model, sequences, text))
    evaluate_others(model, sequences, 10_000)
    assert tidied(sequences) == 0
    assert sequences.known([*text, 1]) == (len(text), 0)


def test_a_full_shelf_gives_up_its_oldest_text_only_for_one_that_cost_much_more(model: NativeModel) -> None:
    texts = [tokens(model, range(10, 310)), tokens(model, range(20, 320))]
    first = read(model, Sequences(model, Shelf(memory=0)), texts[0])
    size = model.state_size(first.number)
    model.remove(first.number)
    sequences = Sequences(model, Shelf(memory=size + size // 2))
    for text in texts:
        sequences.keep(read(model, sequences, text))
    evaluate_others(model, sequences, 1024)
    assert tidied(sequences) == 1
    assert sequences.known([*texts[1], 1])[0] == len(texts[1])
    evaluate_others(model, sequences, 16 * 512)
    assert tidied(sequences) == 1
    assert sequences.known([*texts[1], 1])[0] == len(texts[1])
    assert sequences.known([*texts[0], 1])[0] == 0
