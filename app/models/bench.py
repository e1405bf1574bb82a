"""How fast a chat model is: tokens a second, time to the first of them, and memory."""

import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from app.models.chain import ModelChain
from app.models.choice import Choice, RemoteChoice, require_file
from app.models.engine import LocalEngine
from app.models.gguf import read_header
from app.models.local import LocalChatModel
from app.models.options import ModelOptions
from app.settings import Settings
from terakoya.api.models import ModelBench
from terakoya.errors import Unavailable

_FILLER = (
    "The green tea of the second harvest is called nibancha. ",
    "二番茶は夏に摘まれ、煎茶や番茶になる。",
)


def bench(choice: Choice, settings: Settings, *, prompt: int, output: int, rounds: int) -> ModelBench:
    """Asks the model `rounds` times, each time with another text, and takes the medians.

    Args:
        choice: The model.
        settings: For context and time.
        prompt: About how many tokens the questions have.
        output: How many tokens are asked for; a model may end before.
        rounds: How often it is asked; before them comes one that is not counted.

    Raises:
        BadInput: The file is missing or no GGUF that can be read, or the server refuses.
        Unavailable: The engine is missing, memory does not suffice, the server is away.
    """
    if isinstance(choice, RemoteChoice):
        return _bench_remote(choice, settings, prompt, output, rounds)
    require_file(choice, settings)
    context = max(settings.context_tokens, prompt + output + 64)
    options = ModelOptions.of(settings)
    with LocalEngine(
        choice.path, context_tokens=context, timeout=settings.model_timeout, options=options
    ) as engine:
        began = time.perf_counter()
        cells = engine.load(settings.model_timeout).cells
        loaded = time.perf_counter() - began
        model = LocalChatModel(engine=engine, model=choice.name)
        times = _rounds(model, prompt, output, rounds)
        memory = peak_memory(engine.worker_pid)
    foreseen = read_header(choice.path).footprint.taken(cells, options)
    return _report(choice.name, times, load=loaded, memory=memory, foreseen=foreseen)


def _bench_remote(
    choice: RemoteChoice, settings: Settings, prompt: int, output: int, rounds: int
) -> ModelBench:
    from app.models.remote.chat import RemoteChatModel

    chain = ModelChain(settings)
    try:
        model = RemoteChatModel(server=chain.server(choice.endpoint), model=choice.name)
        times = _rounds(model, prompt, output, rounds)
    finally:
        chain.close()
    return _report(choice.name, times, load=None, memory=None, foreseen=None)


def peak_memory(pid: int | None) -> int | None:
    """The most bytes of memory that a process took so far, None where the system does not tell."""
    if pid is None:
        return None
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def _rounds(model: Any, prompt: int, output: int, rounds: int) -> list[tuple[int, int, float, float]]:
    """Of each round tokens in and out, and seconds to the first text and to the last."""
    found = []
    for number in range(rounds + 1):
        text = f"{number}: " + "".join(_filler(prompt))
        began = time.perf_counter()
        first = 0.0
        usage: Any = {}
        for chunk in model.stream(text, max_tokens=output, temperature=0):
            if chunk.text and not first:
                first = time.perf_counter() - began
            usage = chunk.usage_metadata or usage
        whole = time.perf_counter() - began
        if not usage or not usage["output_tokens"]:
            raise Unavailable("bench_silent", name=model.model_name)
        found.append((usage["input_tokens"], usage["output_tokens"], first or whole, whole))
    return found[1:]


def _filler(tokens: int) -> Iterable[str]:
    """Text of both languages, roughly that long: their sentences take some twelve and twenty tokens."""
    count = max(1, tokens // 32)
    return (sentence for _ in range(count) for sentence in _FILLER)


def _report(
    name: str,
    times: list[tuple[int, int, float, float]],
    *,
    load: float | None,
    memory: int | None,
    foreseen: int | None,
) -> ModelBench:
    decode = [(out - 1) / (whole - first) for _, out, first, whole in times if out > 1 and whole > first]
    return ModelBench(
        name=name,
        rounds=len(times),
        input_tokens=round(median(each[0] for each in times)),
        output_tokens=round(median(each[1] for each in times)),
        load_seconds=None if load is None else round(load, 3),
        first_token=round(median(each[2] for each in times), 4),
        prefill=round(median(each[0] / each[2] for each in times), 1),
        decode=round(median(decode), 1) if decode else 0.0,
        memory=memory,
        foreseen=foreseen,
    )
