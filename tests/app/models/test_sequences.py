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
def model(bpe_model: Path) -> NativeModel:
    return NativeModel(
        str(bpe_model), context_tokens=1024, cells=1024, threads=1, options=ModelOptions(extra_buffers=False)
    )


def read(model: NativeModel, sequences: Sequences, tokens: Tokens[int], *, room: int = 1024) -> Sequence:
    sequence = sequences.open(tokens, room=room)
    rest = [token % model.vocabulary_size for token in tokens[len(sequence) :]]
    model.batch.clear()
    model.batch.add(rest, start=len(sequence), sequence=sequence.number, wanted=1)
    assert model.evaluate()
    sequences.grew(sequence, rest)
    return sequence


def test_what_the_shelf_knows_of_a_prompt_is_not_taken_for_room_that_somebody_holds(
    model: NativeModel,
) -> None:
    sequences = Sequences(model, Shelf(memory=2**26))
    whole = [token % model.vocabulary_size for token in (*COMMON, *TAIL)]
    sequences.keep(read(model, sequences, whole))
    sequences.make_room(1024)
    begun = [token % model.vocabulary_size for token in (*COMMON, *OTHER)]
    running = read(model, sequences, begun, room=0)
    known, held = sequences.known([*whole, 1])
    assert known == len(whole)
    assert held <= len(COMMON)
    assert not sequences.fits(1024, promised=0, shared=held)
    sequences.drop(running)
