"""Embedders by name and by folder: their prompts, their languages, and when their vectors are others."""

import json
import pickle
from pathlib import Path

import pytest

from ingest.embedder import CATALOGUE, embedder_named
from terakoya.errors import BadInput


def model(folder: Path, weights: bytes, prompts: dict[str, str] | None = None) -> Path:
    """What an embedder's folder looks like before it is loaded."""
    folder.mkdir(parents=True)
    (folder / "modules.json").write_text("[]")
    (folder / "model.safetensors").write_bytes(weights)
    if prompts is not None:
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    return folder


def test_a_folder_s_own_prompts_are_used(tmp_path: Path) -> None:
    folder = model(tmp_path / "mine", b"weights", {"query": "ask: ", "document": "text: "})
    found = embedder_named(str(folder))
    assert found is not None
    assert (found.spec.query_prefix, found.spec.document_prefix) == ("ask: ", "text: ")
    assert found.languages == {"ja", "en"}


def test_a_folder_with_a_name_of_the_catalogue_is_that_model(tmp_path: Path) -> None:
    found = embedder_named(str(model(tmp_path / "ruri-v3-30m", b"weights")))
    assert found is not None
    assert found.spec.query_prefix == "検索クエリ: "
    assert found.languages == {"ja"}


@pytest.mark.parametrize("broken", ["[]", "{", '{"prompts": 3}', '{"prompts": {"query": null}}'])
def test_a_folder_with_odd_settings_has_no_prompts(tmp_path: Path, broken: str) -> None:
    folder = model(tmp_path / "odd", b"weights")
    (folder / "config_sentence_transformers.json").write_text(broken)
    found = embedder_named(str(folder))
    assert found is not None
    assert found.spec.query_prefix == found.spec.document_prefix == ""


def test_other_weights_in_the_same_folder_are_another_embedder(tmp_path: Path) -> None:
    folder = model(tmp_path / "mine", b"w" * 1_000_000)
    before = embedder_named(str(folder))
    again = embedder_named(str(folder))
    assert before is not None
    assert again is not None
    assert before.fingerprint == again.fingerprint == pickle.loads(pickle.dumps(before)).fingerprint
    (folder / "model.safetensors").write_bytes(b"w" * 999_999 + b"x")
    changed = embedder_named(str(folder))
    assert changed is not None
    assert changed.fingerprint != before.fingerprint


def test_names_of_the_catalogue_are_told_to_who_misspells_one() -> None:
    with pytest.raises(BadInput) as caught:
        embedder_named("ruri")
    assert all(name in caught.value.message("en") for name in CATALOGUE)


def test_none_is_no_embedder() -> None:
    assert embedder_named("none") is None
