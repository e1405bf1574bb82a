"""One reckoning of memory: what is listed is what is admitted, and what the worker then takes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.doctor import _model
from app.models.bench import peak_memory
from app.models.engine import LocalEngine
from app.models.footprint import Footprint
from app.models.generation import Finished
from app.models.gguf import read_header
from app.models.options import ModelOptions
from app.models.overview import overview
from app.models.sampling import Sampling
from app.models.supervision import Supervisor
from app.settings import Settings
from terakoya.errors import Unavailable
from tests.gguf import tiny_bpe_gguf

Open = Callable[..., LocalEngine]
LEAST, MOST = 0.7, 1.05
"""What a worker may take at its peak, as a share of what was foreseen; docs/models.md says so."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small, but with a vocabulary, weights and a cache that are seen beside the process itself."""
    path = tmp_path_factory.mktemp("models") / "wordy.gguf"
    return tiny_bpe_gguf(path, context=32_768, layers=8, width=256, words=60_000)


def ask(engine: LocalEngine, text: str) -> Finished:
    generation = engine.generate([{"role": "user", "content": text}], Sampling(max_tokens=8))
    list(generation)
    assert generation.finished
    return generation.finished


@pytest.mark.parametrize(
    "options",
    [
        ModelOptions(slots=1),
        ModelOptions(slots=4, cache_mb=128),
        ModelOptions(slots=2, key_type="q8_0", value_type="q8_0", flash_attention="on"),
        ModelOptions(slots=1, flash_attention="off"),
        ModelOptions(slots=32, cache_mb=64),
    ],
    ids=["one", "four", "q8_0", "no flash attention", "many"],
)
def test_a_worker_takes_what_was_foreseen(model: Path, open_engine: Open, options: ModelOptions) -> None:
    engine = open_engine(model, context_tokens=2048, options=options)
    cells = engine.load().cells
    # Buffers are reserved for the longest text, and for a batch of all slots: what is never used is never taken.
    said = ask(engine, "お茶 notes " * 500)
    assert said.input_tokens > 2000
    together = [threading.Thread(target=ask, args=(engine, f"{n}")) for n in range(options.slots)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(60)
    peak = peak_memory(engine.worker_pid)
    assert peak
    foreseen = read_header(model).footprint.taken(cells, options)
    assert LEAST * foreseen < peak < MOST * foreseen, (peak / 2**20, foreseen / 2**20)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"context_tokens": 8192, "model_key_type": "q8_0", "model_value_type": "q4_0"},
        {"model_flash_attention": "off", "model_slots": 16},
        {"model_rope_scale": 2.0, "context_tokens": 40_000},
    ],
)
def test_list_doctor_and_admission_name_one_figure(
    model: Path, tmp_path: Path, given: dict[str, Any]
) -> None:
    settings = Settings(home=tmp_path, model=str(model), **given)
    [listed] = [each for each in overview(settings, free=None) if each.used]
    assert listed.memory
    needed = listed.memory.total
    assert f"{needed / 2**30:.1f} GiB" in _model(settings, str(model)).detail

    def admitted(free: int) -> Supervisor:
        return Supervisor(
            model,
            context_tokens=settings.context_tokens,
            threads=1,
            load_timeout=60,
            memory=lambda: free,
            clock=lambda: 0.0,
            options=ModelOptions.of(settings),
            selfcheck=None,  # type: ignore[arg-type]  # asked at a load, and there is none
        )

    assert admitted(needed).check().cells >= listed.context
    assert admitted(needed).check().shelf_mb == 0
    with pytest.raises(Unavailable) as caught:
        admitted(needed - 1).check()
    assert caught.value.key == "model_memory"
    assert caught.value.values["needed"] == f"{needed / 2**30:.1f}"


def test_states_of_recurrent_layers_count_for_every_sequence() -> None:
    plain = {"weights": 10**9, "cache_per_token": 1000, "vocabulary": 50_000, "embedding": 2048}
    without, with_states = Footprint(**plain), Footprint(**plain, state=50_000_000)
    options = ModelOptions(slots=4)
    assert with_states.memory(4096, options) - without.memory(4096, options) > 7 * 50_000_000


def test_a_longer_context_more_slots_and_wider_numbers_never_take_less() -> None:
    footprint = Footprint(weights=10**9, cache_per_token=1000, vocabulary=50_000, embedding=2048)
    for less, more in (
        ({}, {"key_type": "f32"}),
        ({"value_type": "q4_0"}, {"value_type": "q8_0"}),
        ({"slots": 1}, {"slots": 64}),
        ({"flash_attention": "on"}, {"flash_attention": "off"}),
        ({"batch_tokens": 512}, {"batch_tokens": 1024}),
    ):
        one, other = ModelOptions(**less), ModelOptions(**more)  # type: ignore[arg-type]
        assert footprint.memory(4096, one) < footprint.memory(4096, other)
    assert footprint.memory(4096) < footprint.memory(8192)
