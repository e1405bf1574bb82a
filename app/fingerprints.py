"""What an answer stands on, as short digests: two traces with the same ones differ by chance only."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import NO_ANSWER, Settings
from terakoya import __version__

if TYPE_CHECKING:
    from ingest.store import Store

_NOTES = "SELECT path, digest, reader FROM notes ORDER BY root, path"


def fingerprints(settings: Settings, store: "Store", analyser: str) -> Callable[[], dict[str, str]]:
    """Gives the fingerprints of release, store, analyser, embedder, prompts, model and settings.

    Those of the notes are worked out again after a change of the store only.
    """
    from ingest.database import Derived

    notes = Derived(store, lambda: short(json.dumps(store.rows(_NOTES))))
    fixed = {
        "release": __version__,
        "analyser": short(analyser),
        "prompts": _prompts(),
        "model": _models(settings),
        "settings": short(
            json.dumps(settings.model_dump(mode="json", exclude=set(NO_ANSWER)), sort_keys=True)
        ),
    }

    def now() -> dict[str, str]:
        embedder = store.meta("embedder")
        return {**fixed, "store": notes(), "embedder": short(embedder) if embedder else "none"}

    return now


def short(text: str) -> str:
    """Twelve hexadecimal digits of a text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


@cache
def _prompts() -> str:
    folder = files("workflows").joinpath("prompts")
    texts = sorted(
        (each.name, each.read_text(encoding="utf-8")) for each in folder.iterdir() if each.is_file()
    )
    return short(json.dumps(texts))


def _models(settings: Settings) -> str:
    """Of the chat models in their order: the files of those here, name and address of the others."""
    from app.models.choice import LocalChoice, chosen

    named = [
        _file(choice.path) if isinstance(choice, LocalChoice) else f"{choice.name}@{choice.endpoint.url}"
        for choice in chosen(settings)
    ]
    return short("\n".join(named)) if named else "none"


@cache
def _file(path: Path) -> str:
    from app.codebase import file_digest

    return file_digest(path)
