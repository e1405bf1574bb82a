"""How chat models choose their words, by the settings of a home."""

from pathlib import Path
from typing import Any

import pytest

from app.models.chain import ModelChain
from app.settings import load_settings
from app.variants import names
from terakoya.errors import BadInput
from tests.app.models.conftest import REPLY
from tests.app.models.openai_server import OpenAIServer, scripted


def test_the_table_of_the_file_and_the_environment_reach_the_local_model(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terakoya.toml").write_text(
        f'model = "{tiny_model}"\n[sampling]\ntemperature = 0\nforbidden = ["sencha"]\nlookup = 4\n'
    )
    monkeypatch.setenv("TERAKOYA_SAMPLING__TOP_K", "3")
    chain = ModelChain(load_settings(tmp_path))
    [(_, model)] = chain.chat_models()
    said = model.invoke("お茶は？").text
    chain.close()
    assert "sencha" in REPLY
    assert "sencha" not in said
    assert said.startswith("お茶の🍵は senc")
    controls: Any = model
    assert (controls.temperature, controls.top_k, controls.lookup) == (0, 3, 4)


def test_a_server_is_sent_what_is_set_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(OpenAIServer()) as server:
        monkeypatch.setenv("TERAKOYA_API_KEY", "k")
        (tmp_path / "terakoya.toml").write_text(
            f'model = "openai:big@{server.url}"\n[sampling]\nseed = 7\nmin_p = 0.1\n'
        )
        chain = ModelChain(load_settings(tmp_path))
        [(_, model)] = chain.chat_models()
        with pytest.raises(BadInput):  # another key than the server's: what matters is what was asked
            model.invoke("x")
        chain.close()
        [asked] = server.asked
    assert asked["seed"] == 7
    assert not {"temperature", "top_p", "min_p"} & set(asked)


@pytest.mark.parametrize(
    "line", ["temperature = -1", "top_p = 0", "seed = -1", "forbidden = ['']", "lookup = 99", "warmth = 1"]
)
def test_what_cannot_be_set_is_told_with_its_name(tmp_path: Path, line: str) -> None:
    (tmp_path / "terakoya.toml").write_text(f"[sampling]\n{line}\n")
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert f"sampling.{line.split()[0]}" in str(caught.value)


def test_an_eval_may_compare_them() -> None:
    assert {"sampling.temperature", "sampling.min_p"} <= set(names())
