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
        "model": _model(settings.model),
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


@cache
def _model(path: str) -> str:
    from app.codebase import file_digest

    return short(file_digest(Path(path).expanduser())) if path else "none"
