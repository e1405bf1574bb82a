"""Each control through the real worker."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.models.best import Best
from app.models.engine import LocalEngine
from app.models.generation import ChatMessage, Finished, Generation, Token
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from terakoya.errors import BadInput, TerakoyaError
from tests.app.models.conftest import REPLY
from tests.gguf import tiny_gguf

Open = Callable[..., LocalEngine]
QUESTION: list[ChatMessage] = [{"role": "user", "content": "お茶は？ tea"}]


@pytest.fixture(scope="module")
def babbler(endless_model: Path) -> Iterator[LocalEngine]:
    with LocalEngine(endless_model, threads=1, timeout=60, context_tokens=2048) as engine:
        yield engine


def say(engine: LocalEngine, **controls: Any) -> tuple[str, Finished]:
    generation = engine.generate(QUESTION, Sampling(**{"temperature": 0, "max_tokens": 60, **controls}))
    text = "".join(generation)
    assert generation.finished
    return text, generation.finished


def test_a_grammar_is_followed(babbler: LocalEngine) -> None:
    grammar = 'root ::= ("お茶" | "水") " " [0-9]{3} "!"'
    for seed in range(4):
        text, finished = say(babbler, temperature=1, seed=seed, grammar=grammar)
        assert text[:-5] in ("お茶", "水")
        assert text[-5] == " "
        assert text[-4:-1].isdigit()
        assert finished.finish_reason == "stop"


@pytest.mark.parametrize(
    "grammar",
    [
        "start ::= [a]",
        'root ::= "unclosed',
        'root ::= "a"{1,99999999}',
        "root ::= " + "(" * 5000,
        "root ::= x",
    ],
)
def test_a_grammar_that_cannot_be_followed_is_refused_and_the_worker_lives(
    babbler: LocalEngine, grammar: str
) -> None:
    babbler.load()
    pid = babbler.worker_pid
    with pytest.raises(BadInput) as caught:
        say(babbler, grammar=grammar)
    assert caught.value.key == "grammar_refused"
    assert str(caught.value)
    assert say(babbler, max_tokens=3)[1].output_tokens == 3
    assert babbler.worker_pid == pid


def test_strings_and_lists_without_bound_get_one(babbler: LocalEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"words": {"type": "array", "items": {"type": "string"}}},
        "required": ["words"],
    }
    text, finished = say(babbler, temperature=1.5, top_p=1, seed=2, schema=schema, max_tokens=1900)
    if finished.finish_reason == "stop":
        said = json.loads(text)["words"]
        assert len(said) <= 20
        assert all(len(word) <= 400 for word in said)
    short = {"type": "object", "properties": {"w": {"type": "string", "maxLength": 5}}, "required": ["w"]}
    assert len(json.loads(say(babbler, temperature=1.5, top_p=1, seed=2, schema=short)[0])["w"]) <= 5


@pytest.mark.parametrize("liked", [0x0A, 0x1F, 0xE3, 0xC0, 0xED, 0xF0, 0x80])
def test_a_text_in_json_is_json_whatever_bytes_the_model_likes(babbler: LocalEngine, liked: int) -> None:
    schema = {"type": "object", "properties": {"w": {"type": "string", "maxLength": 12}}, "required": ["w"]}
    bias = {3 + liked: 12.0}  # tokens of single bytes stand behind three control tokens
    for seed in range(6):
        text, finished = say(
            babbler, temperature=1.5, top_p=1, seed=seed, schema=schema, max_tokens=300, logit_bias=bias
        )
        assert finished.finish_reason == "stop"
        assert "\ufffd" not in text
        assert len(json.loads(text)["w"]) <= 12


def test_any_object_is_an_object(babbler: LocalEngine) -> None:
    text, finished = say(babbler, temperature=1, seed=1, schema={"type": "object"}, max_tokens=1900)
    assert finished.finish_reason == "length" or isinstance(json.loads(text), dict)


def test_forbidden_texts_are_not_said(talker: LocalEngine) -> None:
    assert "sencha" in REPLY
    text, _ = say(talker, forbidden=("sencha", "番茶"), max_tokens=100)
    assert "sencha" not in text
    assert "番茶" not in text
    assert text.startswith("お茶の🍵は senc")


def test_a_biased_token_is_said(babbler: LocalEngine) -> None:
    plain, _ = say(babbler, max_tokens=10)
    token = 300  # some letter of the alphabet of the tests' models
    text, _ = say(babbler, max_tokens=10, logit_bias={token: 200.0})
    assert len(set(text)) == 1
    assert text != plain


def test_frequency_penalties_end_repetition(babbler: LocalEngine) -> None:
    def most(text: str) -> int:
        return max(text.count(character) for character in text if character != "\ufffd")

    assert most(say(babbler, max_tokens=150)[0]) > most(
        say(babbler, max_tokens=150, frequency_penalty=5.0, repetition_penalty=1.5)[0]
    )


def test_an_output_that_loops_is_ended(babbler: LocalEngine) -> None:
    text, finished = say(babbler, max_tokens=1500, loop_tokens=48, logit_bias={300: 200.0})
    assert finished.finish_reason == "repetition"
    assert finished.output_tokens == 48
    assert text


def test_log_probabilities_come_with_the_result(talker: LocalEngine) -> None:
    text, finished = say(talker, logprobs=3, max_tokens=3)
    assert "".join(token.text for token in finished.logprobs) == text
    assert all(token.logprob <= 0 for token in finished.logprobs)
    assert all(len(token.top) == 3 for token in finished.logprobs)
    assert finished.logprobs[0].top[0] == (finished.logprobs[0].text, finished.logprobs[0].logprob)


def test_the_best_of_several_has_the_highest_mean_log_probability() -> None:
    best = Best()
    for text, values in (("poor", (-4.0, -5.0)), ("good", (-1.0, -2.0)), ("longer", (-1.5, -1.5, -2.0))):
        one = Generation()
        one.put(text)
        tokens = tuple(Token(text="x", logprob=value) for value in values)
        one.put(Finished(input_tokens=5, output_tokens=2, finish_reason="stop", seed=1, logprobs=tokens))
        best.add(one)
    assert list(best) == ["good"]
    assert best.finished
    assert best.finished.output_tokens == 6


def test_several_outputs_share_one_reading_of_the_prompt(babbler: LocalEngine) -> None:
    text, finished = say(babbler, temperature=1.2, top_p=1, max_tokens=12, seed=40, best_of=4)
    assert text
    assert finished.output_tokens == 48


def test_a_callers_own_condition_ends_the_output(talker: LocalEngine) -> None:
    generation = talker.generate(QUESTION, Sampling(temperature=0), until=lambda text: "は" in text)
    text = "".join(generation)
    assert text == REPLY[: REPLY.index("は") + 1]
    assert generation.finished
    assert generation.finished.finish_reason == "condition"


def test_a_condition_that_fails_is_the_callers_to_hear_and_the_model_goes_on(talker: LocalEngine) -> None:
    def fail(text: str) -> bool:
        raise LookupError(text)

    with (
        pytest.raises(LookupError),
        talker.generate(QUESTION, Sampling(temperature=0), until=fail) as generation,
    ):
        next(generation)
    assert say(talker, max_tokens=2)[0] == REPLY[:2]


@pytest.mark.parametrize("stop", ["番茶", "は s", "🍵", "es say"])
def test_stop_texts_are_found_across_the_borders_of_tokens(talker: LocalEngine, stop: str) -> None:
    text, finished = say(talker, stop=(stop,))
    assert text == REPLY.split(stop)[0]
    assert finished.finish_reason == "stop"


@pytest.mark.parametrize("lookup", [4, 16])
def test_prompt_lookup_changes_the_speed_alone(endless_model: Path, open_engine: Open, lookup: int) -> None:
    exact = ModelOptions(flash_attention="off")
    engine = open_engine(endless_model, context_tokens=2048, options=exact)
    plain, _ = say(engine, max_tokens=200)
    fast, finished = say(engine, max_tokens=200, lookup=lookup)
    assert finished.drafted_tokens > 0
    assert fast == plain
    assert finished.output_tokens == 200


def test_prompt_lookup_draws_as_the_model_does(babbler: LocalEngine) -> None:
    controls = {"temperature": 0.9, "seed": 11, "max_tokens": 120, "logit_bias": {300: 8.0}}
    assert say(babbler, **controls)[1].output_tokens == say(babbler, **controls, lookup=8)[1].output_tokens


@pytest.mark.parametrize(
    "options",
    [
        ModelOptions(key_type="q8_0", flash_attention="on"),
        ModelOptions(key_type="q8_0", value_type="q8_0", flash_attention="on"),
        ModelOptions(key_type="f32", value_type="f32", flash_attention="off"),
        ModelOptions(rope_scaling="linear", rope_scale=2.0),
        ModelOptions(rope_scaling="yarn", rope_scale=4.0),
        ModelOptions(rope_scaling="none", rope_scale=4.0),
        ModelOptions(rope_base=500_000.0),
    ],
)
def test_how_the_model_is_loaded_can_be_set(tmp_path: Path, open_engine: Open, options: ModelOptions) -> None:
    # Quantized caches come in blocks of 32 numbers: a head must be as long.
    model = tiny_gguf(tmp_path / "wide.gguf", width=128, context=512)
    engine = open_engine(model, context_tokens=1024, options=options)
    assert engine.load().context == (1024 if options.rope_scaling in ("linear", "yarn") else 512)
    assert say(engine, max_tokens=5)[1].output_tokens == 5


def test_a_cache_type_that_the_model_cannot_have_is_refused_with_the_reason(
    tmp_path: Path, open_engine: Open
) -> None:
    model = tiny_gguf(tmp_path / "wide.gguf", width=128, context=512)
    engine = open_engine(model, options=ModelOptions(value_type="q8_0", flash_attention="off"))
    with pytest.raises(TerakoyaError) as caught:
        engine.load()
    assert caught.value.key == "model_broken"
    assert engine.worker_pid is None
