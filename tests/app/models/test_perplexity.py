"""Perplexity, against the definition worked out by hand with the library's own class."""

import math
from pathlib import Path

import numpy as np
import pytest

from app.models.trial import run_trial
from terakoya.errors import BadInput
from tests.gguf import tiny_gguf

TEXT = "お茶の学習。日本の茶。 Tea is read here. " * 6
WINDOW = 32


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("models") / "random.gguf", seed=3)


@pytest.mark.parametrize("overlap", [True, False])
def test_perplexity_is_what_its_definition_says(model: Path, overlap: bool) -> None:
    import llama_cpp

    llama = llama_cpp.Llama(str(model), n_ctx=WINDOW, logits_all=True, verbose=False, n_threads=1)
    tokens = llama.tokenize(TEXT.encode())
    scores = []
    for start in range(0, len(tokens) - WINDOW + 1, WINDOW // 2 if overlap else WINDOW):
        window = [llama.token_bos(), *tokens[start + 1 : start + WINDOW]]
        llama.reset()
        llama.eval(window)
        for place in range(WINDOW // 2 if overlap else WINDOW // 2 + 1, WINDOW):
            logits = np.asarray(llama.scores[place - 1], dtype=np.float64)
            scores.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[window[place]])
    llama.close()
    request = {"text": TEXT, "window": WINDOW, "overlap": overlap, "threads": 1}
    found = run_trial("perplexity", model, request)
    assert found["scored"] == len(scores)
    assert found["tokens"] == len(tokens)
    assert found["perplexity"] == pytest.approx(math.exp(np.mean(scores)), rel=2e-3)


def test_with_overlap_each_token_behind_the_first_half_window_is_scored_once(model: Path) -> None:
    request = {"text": TEXT, "window": WINDOW, "overlap": True, "threads": 1}
    found = run_trial("perplexity", model, request)
    assert found["scored"] == found["windows"] * (WINDOW // 2)
    assert found["tokens"] - WINDOW < found["scored"] + WINDOW // 2 <= found["tokens"]


def test_a_file_that_is_cut_off_is_told_and_the_process_ends(model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:-50_000])
    with pytest.raises(BadInput) as caught:
        run_trial("perplexity", cut, {"text": TEXT, "window": 32, "overlap": True, "threads": 1})
    assert caught.value.key == "model_broken"
