from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store import Store
from ingest.sync import Ingest, Report
from terakoya.text.analyser import Analyser


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "home" / "terakoya.duckdb", read_only=False) as opened:
        yield opened


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder for notes, empty."""
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def write(notes: Path):
    """Writes notes by their path below the folder."""

    def written(files: dict[str, str | bytes], folder: Path = notes) -> Path:
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return written


@pytest.fixture
def sync(store: Store, analyser: Analyser):
    """Ingests paths into the store."""

    def run(*paths: Path, vectors=None, max_bytes: int = 2**20, **how) -> Report:
        return Ingest(store, analyser, vectors, max_bytes=max_bytes).run(paths, **how)

    return run
