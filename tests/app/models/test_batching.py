"""Several requests at once, and texts that are not evaluated again, in the real worker."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage, Finished, Token
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from tests.app.models.conftest import REPLY
from tests.app.models.waiting import census, eventually

Open = Callable[..., LocalEngine]
GREEDY = Sampling(temperature=0, max_tokens=40, logprobs=2)
ENDLESS = Sampling(temperature=0, max_tokens=3000)
EXACT = ModelOptions(flash_attention="off")
TOLERANCE = 0.02
"""How far log-probabilities may differ between a batch and one sequence, sums being in another order.

With flash attention it is 0.1: llama.cpp evaluates prompts in 16 bits then, single tokens in 32.
"""
SYSTEM: ChatMessage = {"role": "system", "content": "Answer from the notes. ノートから答えてください。" * 6}


def question(text: str) -> list[ChatMessage]:
    return [SYSTEM, {"role": "user", "content": text}]


def finish(
    engine: LocalEngine, messages: list[ChatMessage], sampling: Sampling = GREEDY
) -> tuple[str, Finished]:
    generation = engine.generate(messages, sampling)
    text = "".join(generation)
    assert generation.finished
    return text, generation.finished


def agree(one: tuple[Token, ...], other: tuple[Token, ...]) -> bool:
    """Whether two outputs are the same up to where the best two tokens do not differ clearly."""
    for mine, theirs in zip(one, other, strict=True):
        if abs(mine.top[0][1] - theirs.top[0][1]) > TOLERANCE:
            return False
        if mine.text != theirs.text:
            return mine.top[0][1] - mine.top[1][1] <= 2 * TOLERANCE
    return True


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_what_is_said_beside_others_is_what_is_said_alone(
    endless_model: Path, bpe_model: Path, open_engine: Open, architecture: str
) -> None:
    path = endless_model if architecture == "llama" else bpe_model
    engine = open_engine(path, context_tokens=2048, options=replace(EXACT, slots=6))
    questions = [question(f"{number}番目のお茶は何ですか？ tea {number}") for number in range(9)]
    together: dict[int, Finished] = {}

    def ask(number: int) -> None:
        together[number] = finish(engine, questions[number])[1]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for number in (0, 4, 8):
        alone = finish(open_engine(path, context_tokens=2048, options=EXACT), questions[number])[1]
        assert agree(alone.logprobs, together[number].logprobs)


def test_the_next_question_of_a_thread_evaluates_only_what_is_new(bpe_model: Path, open_engine: Open) -> None:
    engine = open_engine(bpe_model, context_tokens=4096, options=EXACT)
    first = question("長い質問です。" * 40)
    _, one = finish(engine, first)
    assert one.cached_tokens == 0
    # An answer of random weights need not be spelt as its tokens were: one that is is the history.
    follow: list[ChatMessage] = [
        *first,
        {"role": "assistant", "content": "はい"},
        {"role": "user", "content": "次"},
    ]
    _, two = finish(engine, follow)
    assert two.cached_tokens >= engine.count_message_tokens(first) - 1
    alone = finish(open_engine(bpe_model, context_tokens=4096, options=EXACT), follow)[1]
    assert agree(alone.logprobs, two.logprobs)


def test_threads_take_turns_and_each_finds_its_own_history(bpe_model: Path, open_engine: Open) -> None:
    engine = open_engine(bpe_model, context_tokens=1024)
    for name in "abc":
        finish(engine, question(f"{name} " * 100))
    for name in "abc":
        _, finished = finish(engine, [*question(f"{name} " * 100), {"role": "user", "content": "more"}])
        assert finished.cached_tokens > 100


@pytest.mark.parametrize("disk", [0, 64])
def test_a_thread_that_had_to_leave_the_cache_comes_back_from_the_shelf(
    bpe_model: Path, open_engine: Open, disk: int
) -> None:
    options = replace(EXACT, slots=1, cache_mb=1, shelf_mb=0 if disk else 64, shelf_disk_mb=disk)
    engine = open_engine(bpe_model, context_tokens=1024, options=options)
    texts = [question(f"{name} " * 300) for name in "abcd"]
    expected = [finish(engine, text) for text in texts]
    for text, (_, first) in zip(texts, expected, strict=True):
        _, finished = finish(engine, text)
        assert finished.cached_tokens >= finished.input_tokens - 1
        assert agree(first.logprobs, finished.logprobs)


def test_a_thread_that_others_have_long_talked_past_is_put_away_while_nobody_asks(
    bpe_model: Path, open_engine: Open
) -> None:
    engine = open_engine(bpe_model, context_tokens=2048, options=EXACT)
    text = question("長い質問です。" * 40)
    _, first = finish(engine, text)
    assert census(engine)["cells_held"] > first.input_tokens
    finish(engine, [{"role": "user", "content": "another " * 250}])
    eventually(lambda: census(engine)["kept"] == 1)
    assert census(engine)["cells_held"] + census(engine)["cells_free"] == engine.load().cells
    _, again = finish(engine, text)
    assert again.cached_tokens == first.input_tokens - 1
    assert agree(first.logprobs, again.logprobs)


def test_without_a_shelf_a_thread_is_evaluated_again(bpe_model: Path, open_engine: Open) -> None:
    engine = open_engine(
        bpe_model, context_tokens=1024, options=ModelOptions(slots=1, cache_mb=1, shelf_mb=0)
    )
    texts = [question(f"{name} " * 300) for name in "abcd"]
    for text in (*texts, *texts):
        _, finished = finish(engine, text)
        assert finished.cached_tokens < 400  # the system text, which all share


def test_who_waits_is_told_the_place_in_the_queue(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=1))
    places: list[int] = []
    waiting = threading.Event()
    running = engine.generate(question("x"), ENDLESS)
    next(running)

    def told(place: int) -> None:
        places.append(place)
        waiting.set()

    thread = threading.Thread(target=lambda: list(engine.generate(question("y"), GREEDY, waiting=told)))
    thread.start()
    assert waiting.wait(60)
    running.close()
    thread.join(60)
    assert places == [1]


def test_sixty_four_clients_on_a_context_for_four_are_all_answered(
    tiny_model: Path, open_engine: Open
) -> None:
    engine = open_engine(tiny_model, options=ModelOptions(slots=4))
    answers: list[str] = []

    def ask(number: int) -> None:
        answers.append(finish(engine, [{"role": "user", "content": f"{number}"}], Sampling(temperature=0))[0])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert answers == [REPLY] * 64


def test_a_client_that_stops_reading_holds_nobody_up(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=2))
    idle = engine.generate(question("x"), ENDLESS)
    next(idle)
    for number in range(3):
        assert finish(engine, question(f"{number}"))[1].output_tokens == 40
    idle.close()


def test_a_short_question_is_answered_while_a_long_prompt_is_being_read(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=32_768, options=ModelOptions(slots=3))
    long = threading.Thread(
        target=lambda: list(engine.generate([{"role": "user", "content": "あいうえお" * 1500}], GREEDY))
    )
    with engine.generate(question("x"), ENDLESS) as running:
        next(running)
        long.start()
        said = [next(running) for _ in range(30)]
        assert len(said) == 30
    long.join(120)
    assert not long.is_alive()


def test_cancelling_a_long_prefill_leaves_the_others_as_they_were(
    endless_model: Path, open_engine: Open
) -> None:
    alone = finish(open_engine(endless_model, context_tokens=16_384, options=EXACT), question("x"))[1]
    engine = open_engine(endless_model, context_tokens=16_384, options=EXACT)
    engine.load()
    heard: list[Finished] = []
    for _ in range(3):
        other = threading.Thread(target=lambda: heard.append(finish(engine, question("x"))[1]))
        other.start()
        engine.generate([{"role": "user", "content": "あいうえお" * 2500}], GREEDY).close()
        other.join(60)
    assert [agree(alone.logprobs, finished.logprobs) for finished in heard] == [True] * 3


def test_a_cancelled_prefill_ends_within_a_moment(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=32_768, options=ModelOptions(slots=1))
    finish(engine, question("x"))
    doomed = engine.generate([{"role": "user", "content": "あいうえお" * 6000}], GREEDY)
    doomed._stop()  # as `close` does, so that the end can still be heard
    assert list(doomed) == []
    assert doomed.finished
    assert doomed.finished.finish_reason == "cancelled"
    assert doomed.finished.output_tokens == 0
