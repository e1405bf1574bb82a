"""What controls do in the real worker, measured by the probabilities that it reports itself."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scipy import stats

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage, Finished
from app.models.local import LocalChatModel
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from tests.gguf import TEMPLATE, tiny_gguf

Open = Callable[..., LocalEngine]
QUESTION: list[ChatMessage] = [{"role": "user", "content": "お茶は？ What do my notes say of tea?"}]
DRAWS = 400


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    path = tiny_gguf(tmp_path_factory.mktemp("models") / "drawer.gguf", seed=3)
    with LocalEngine(path, threads=1, timeout=60, options=ModelOptions(flash_attention="off")) as engine:
        yield engine


def finish(
    engine: LocalEngine, sampling: Sampling, messages: list[ChatMessage] = QUESTION
) -> tuple[str, Finished]:
    generation = engine.generate(messages, sampling)
    text = "".join(generation)
    assert generation.finished
    return text, generation.finished


@pytest.mark.parametrize(("temperature", "min_p"), [(1.0, 0.0), (0.5, 0.0), (3.0, 0.04)])
def test_what_the_worker_draws_follows_the_probabilities_that_it_reports(
    drawer: LocalEngine, temperature: float, min_p: float
) -> None:
    top = 12
    _, whole = finish(drawer, Sampling(temperature=0, max_tokens=1, logprobs=top))
    logprobs = [logprob for _, logprob in whole.logprobs[0].top]
    kept = [value for value in logprobs if value >= logprobs[0] + math.log(min_p or 1e-9)]
    weights = [math.exp(value / temperature) for value in kept]
    drawn: Counter[float] = Counter()
    for seed in range(DRAWS):
        sampling = Sampling(
            temperature=temperature, top_k=top, top_p=1, min_p=min_p, max_tokens=1, seed=seed, logprobs=1
        )
        [token] = finish(drawer, sampling)[1].logprobs
        drawn[min(range(top), key=lambda place: abs(logprobs[place] - token.logprob))] += 1
    assert set(drawn) <= set(range(len(kept)))
    assert 1 < len(kept) < top or not min_p
    expected = [DRAWS * weight / sum(weights) for weight in weights]
    often = sum(count >= 5 for count in expected)  # the likeliest first; the others count as one
    wanted = [*expected[:often], sum(expected[often:])]
    observed = [*(drawn[place] for place in range(often)), sum(drawn[n] for n in range(often, top))]
    cells = [(o, w) for o, w in zip(observed, wanted, strict=True) if w >= 1]
    assert len(cells) > 1
    scale = sum(o for o, _ in cells) / sum(w for _, w in cells)
    assert stats.chisquare([o for o, _ in cells], [w * scale for _, w in cells]).pvalue > 1e-4


def test_the_best_of_four_is_the_likeliest_of_the_four_that_their_seeds_give(drawer: LocalEngine) -> None:
    alone = []
    for seed in range(40, 44):
        text, one = finish(drawer, Sampling(temperature=1.2, top_p=1, max_tokens=12, seed=seed, logprobs=1))
        alone.append((sum(token.logprob for token in one.logprobs) / len(one.logprobs), text))
    assert len({text for _, text in alone}) > 1
    best, _ = finish(drawer, Sampling(temperature=1.2, top_p=1, max_tokens=12, seed=40, best_of=4))
    assert best == max(alone)[1]


def first_logprobs(engine: LocalEngine) -> dict[str, float]:
    _, finished = finish(engine, Sampling(temperature=0, max_tokens=1, logprobs=10))
    return dict(finished.logprobs[0].top)


def furthest(one: dict[str, float], other: dict[str, float]) -> float:
    """Largest difference of log-probabilities; infinite where the likeliest tokens are others altogether."""
    shared = one.keys() & other.keys()
    return max((abs(one[text] - other[text]) for text in shared), default=math.inf)


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        (ModelOptions(flash_attention="on"), 0.0, 0.1),
        (ModelOptions(flash_attention="off", key_type="f32", value_type="f32"), 0.0, 0.02),
        (ModelOptions(flash_attention="on", key_type="q8_0", value_type="q8_0"), 1e-6, 0.3),
        (ModelOptions(flash_attention="on", key_type="q4_0", value_type="q4_0"), 1e-4, math.inf),
        (ModelOptions(flash_attention="off", rope_base=500.0), 1e-3, math.inf),
        (ModelOptions(flash_attention="off", rope_scaling="linear", rope_scale=4.0), 1e-3, math.inf),
        (ModelOptions(flash_attention="off", rope_scaling="yarn", rope_scale=4.0), 1e-3, math.inf),
    ],
    ids=["flash", "f32", "q8_0", "q4_0", "base", "linear", "yarn"],
)
def test_how_the_model_is_loaded_changes_what_it_computes_as_much_as_it_may(
    tmp_path: Path, open_engine: Open, options: ModelOptions, least: float, most: float
) -> None:
    path = tiny_gguf(tmp_path / "wide.gguf", width=128, layers=4)
    usual = first_logprobs(open_engine(path, options=ModelOptions(flash_attention="off")))
    changed = first_logprobs(open_engine(path, options=options))
    assert least <= furthest(usual, changed) <= most


def test_thoughts_of_a_real_reply_come_apart_from_the_answer(tmp_path: Path, open_engine: Open) -> None:
    path = tiny_gguf(tmp_path / "thinker.gguf", reply="<think>番茶かな。</think>煎です")
    model = LocalChatModel(engine=open_engine(path), temperature=0)
    said = model.invoke("お茶は？")
    assert (said.text, said.additional_kwargs["reasoning_content"]) == ("煎です", "番茶かな。")
    streamed = list(model.stream("お茶は？"))
    assert "".join(chunk.text for chunk in streamed) == "煎です"
    opened = tiny_gguf(
        tmp_path / "opened.gguf", reply="番茶かな。</think>煎です", template=TEMPLATE + "<think>\n"
    )
    assert opened
    other = LocalChatModel(engine=open_engine(opened), temperature=0, max_tokens=1)
    assert other.invoke("お茶は？").text == ""  # whatever comes, it is a thought until the mark


def test_a_call_of_a_real_reply_is_parsed(tmp_path: Path, open_engine: Open) -> None:
    reply = '<tool_call>{"name": "add", "arguments": {"茶": 1}}</tool_call>'
    path = tiny_gguf(tmp_path / "caller.gguf", reply=reply)
    tool = {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds.",
            "parameters": {"type": "object", "properties": {"茶": {"type": "integer"}}},
        },
    }
    model = LocalChatModel(engine=open_engine(path), temperature=0).bind_tools([tool])
    said = model.invoke("足して")
    assert said.text == ""
    [call] = said.tool_calls  # type: ignore[attr-defined]
    assert (call["name"], call["args"]) == ("add", {"茶": 1})
