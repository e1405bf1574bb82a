"""The models that `terakoya model pull` knows by name. Their figures and sources stand in `catalogue.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from app.models.footprint import Footprint

_CACHE_BYTES = 2
"""Bytes of a number in the key-value cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A model that can be downloaded.

    Attributes:
        name: What it is called here.
        title: What its makers call it.
        repository: `owner/name` at the hub.
        revision: Commit of the repository, or a branch.
        file: Name of the file in it.
        sha256: Of the file.
        licence: SPDX identifier, or the licence's own name.
        languages: Codes of those that matter here, and how many others its makers name.
        parameters: Weights, in thousand millions.
        quantization: How they are stored.
        footprint: What running it takes; its `weights` are the bytes of the file.
    """

    name: str
    title: str
    repository: str
    revision: str
    file: str
    sha256: str
    licence: str
    languages: str
    parameters: float
    quantization: str
    footprint: Footprint

    def address(self, hub: str) -> str:
        """Where the file is, at a hub with the paths of huggingface.co."""
        return f"{hub.rstrip('/')}/{self.repository}/resolve/{self.revision}/{self.file}"


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """All entries by name, smallest need of memory first."""
    document = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8"))
    entries = [_entry(name, values) for name, values in document.items()]
    return {entry.name: entry for entry in sorted(entries, key=lambda e: e.footprint.memory(4096))}


def _entry(name: str, values: dict[str, Any]) -> CatalogueEntry:
    per_layer = values["cached_heads"] * 2 * values["head_length"] * _CACHE_BYTES
    return CatalogueEntry(
        name=name,
        footprint=Footprint(
            weights=values["bytes"],
            cache_per_token=values["cached_layers"] * per_layer,
            vocabulary=values["vocabulary"],
            embedding=values["embedding"],
            context=values["context"],
            state=values.get("state", 0),
        ),
        **{
            key: values[key]
            for key in (
                "title",
                "repository",
                "revision",
                "file",
                "sha256",
                "licence",
                "languages",
                "parameters",
                "quantization",
            )
        },
    )
