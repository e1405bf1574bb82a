"""Greedy outputs beside those of llama-cpp-python's own `Llama`, prompts split alike."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import llama_cpp
import pytest

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.sampling import Sampling

TOKENS = 80


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
@pytest.mark.parametrize("flash", ["on", "off"])
@pytest.mark.parametrize("length", [3, 700])
def test_greedy_output_is_that_of_llama_token_for_token(
    endless_model: Path,
    bpe_model: Path,
    open_engine: Callable[..., LocalEngine],
    architecture: str,
    flash: str,
    length: int,
) -> None:
    path = endless_model if architecture == "llama" else bpe_model
    text = "お茶 tea " * length
    options = ModelOptions(flash_attention="on" if flash == "on" else "off", extra_buffers=True, slots=1)
    engine = open_engine(path, context_tokens=4096, options=options)
    question: list[ChatMessage] = [{"role": "user", "content": text[:3000]}]
    generation = engine.generate(question, Sampling(temperature=0, max_tokens=TOKENS, logprobs=1))
    list(generation)
    assert generation.finished

    llama = llama_cpp.Llama(
        str(path),
        n_ctx=4096,
        n_batch=512,
        n_threads=1,
        n_threads_batch=1,
        flash_attn=flash == "on",
        verbose=False,
    )
    prompt = llama.tokenize(
        f"<|user|>{text[:3000]}<|end|><|assistant|>".encode(), add_bos=architecture == "llama", special=True
    )
    assert len(prompt) == generation.finished.input_tokens
    tokens = list(islice(llama.generate(prompt, temp=0.0), TOKENS))
    expected = [llama.detokenize([token]).decode("utf-8", "replace") for token in tokens]
    llama.close()
    assert [token.text for token in generation.finished.logprobs] == expected
