"""The peers: llama.cpp's calls in a bare loop, the class `Llama`, and llama-cpp-python's server."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import llama_cpp

from app.loopback import listen
from app.models.generation import ChatMessage
from app.models.selfcheck import SelfCheck

MOST = 16
"""Streams at once."""


class RawLoop:
    """`llama_decode` and a greedy choice, nothing else: what a stream can have at most.

    Args:
        path: The GGUF file.
        threads: That compute.
        context: Tokens.
    """

    def __init__(self, path: Path, *, threads: int, context: int) -> None:
        self._quiet = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self._quiet, None)
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = not SelfCheck().has_amx()  # as the engine, but for its trial
        self._model = llama_cpp.llama_model_load_from_file(bytes(path), parameters)
        options = llama_cpp.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = context, 512, 512
        options.n_threads = options.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, options)
        options.n_seq_max, options.kv_unified = MOST, True
        self._several = llama_cpp.llama_init_from_model(self._model, options)
        self._sampler = llama_cpp.llama_sampler_init_greedy()

    def rate(self, prompt: list[int], tokens: int) -> float:
        """Tokens a second after the first."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), False)
        array = (llama_cpp.llama_token * len(prompt))(*prompt)
        llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(array, len(prompt)))
        token = llama_cpp.llama_sampler_sample(self._sampler, self._context, -1)
        began = time.monotonic()
        for _ in range(tokens):
            one = (llama_cpp.llama_token * 1)(token)
            llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(one, 1))
            token = llama_cpp.llama_sampler_sample(self._sampler, self._context, -1)
        return tokens / (time.monotonic() - began)

    def batch_rate(self, count: int, tokens: int, *, prompt: int = 16) -> float:
        """Tokens a second of `count` sequences in one batch, with nothing chosen: what a batch can bring here.

        Prompts of so many tokens are evaluated before them, all in one batch, and their time counts, too.
        """
        batch = llama_cpp.llama_batch_init(count * prompt, 0, 1)
        self._evaluate(batch, count, 0, 1)  # touches everything
        began = time.monotonic()
        self._evaluate(batch, count, 0, prompt)
        for step in range(tokens - 1):
            self._evaluate(batch, count, prompt + step, 1)
        seconds = time.monotonic() - began
        llama_cpp.llama_batch_free(batch)
        return count * tokens / seconds

    def _evaluate(self, batch: Any, count: int, start: int, length: int) -> None:
        if start == 0:
            llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._several), False)
        batch.n_tokens = count * length
        for place in range(count * length):
            sequence, step = divmod(place, length)
            batch.token[place] = 300 + sequence * 97 + start + step
            batch.pos[place] = start + step
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = sequence
            batch.logits[place] = step == length - 1
        llama_cpp.llama_decode(self._several, batch)


class PeerLlama:
    """llama-cpp-python's class `Llama`, which has one sequence.

    Args:
        path: The GGUF file.
        threads: That compute.
        context: Tokens.
    """

    def __init__(self, path: Path, *, threads: int, context: int) -> None:
        self._llama = llama_cpp.Llama(
            str(path), n_ctx=context, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def _stream(self, messages: list[ChatMessage], tokens: int) -> Iterator[str]:
        chunks: Any = self._llama.create_chat_completion(
            cast(Any, messages), max_tokens=tokens, temperature=0, stream=True
        )
        return (text for chunk in chunks if (text := chunk["choices"][0]["delta"].get("content")))

    def rate(self, messages: list[ChatMessage], tokens: int) -> float:
        """Tokens a second after the first."""
        stream = self._stream(messages, tokens + 1)
        next(stream)
        began = time.monotonic()
        said = sum(1 for _ in stream)
        return said / (time.monotonic() - began)

    def in_a_row(self, conversations: list[list[ChatMessage]], tokens: int) -> float:
        """Tokens a second of requests one after the other, prompts included."""
        began = time.monotonic()
        said = sum(1 for messages in conversations for _ in self._stream(messages, tokens))
        return said / (time.monotonic() - began)

    def first_token(self, messages: list[ChatMessage]) -> float:
        """Seconds to the first text."""
        began = time.monotonic()
        stream = self._stream(messages, 2)
        next(stream)
        seconds = time.monotonic() - began
        for _ in stream:
            pass
        return seconds


@contextmanager
def server(path: Path, *, threads: int, context: int) -> Iterator[str]:
    """llama-cpp-python's own server, and its address."""
    with listen("127.0.0.1", 0, option="port") as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "llama_cpp.server", "--model", str(path), "--port", str(port)),
            *("--n_threads", str(threads), "--n_threads_batch", str(threads), "--n_ctx", str(context)),
            # Else a request that comes cuts off the one that is being answered.
            *("--interrupt_requests", "False"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{address}/v1/models", trust_env=False)
                break
            except httpx.HTTPError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("llama_cpp.server did not start: is its extra installed?") from None
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def served(address: str, conversations: list[list[ChatMessage]], tokens: int) -> float:
    """Tokens a second of all requests at once."""
    counts = [0] * len(conversations)
    whole = [False] * len(conversations)

    def ask(number: int) -> None:
        body = {
            "messages": conversations[number],
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
        }
        with httpx.stream(
            "POST", f"{address}/v1/chat/completions", json=body, timeout=600, trust_env=False
        ) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                    counts[number] += 1
                whole[number] = whole[number] or line == "data: [DONE]"

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(conversations))]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    if not all(whole):
        raise RuntimeError(f"llama_cpp.server finished {sum(whole)} of {len(conversations)} streams")
    return sum(counts) / seconds
