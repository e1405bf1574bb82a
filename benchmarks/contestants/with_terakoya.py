"""Terakoya: an installation of its own, with the notes taken in as `terakoya ingest` does it."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from contest import Job, Stored, compete

EMBEDDER = "all-MiniLM-L6-v2"


class Terakoya:
    """One ingest into a new home."""

    def __init__(self, job: Job) -> None:
        from app.settings import load_settings
        from app.wiring import open_installation
        from terakoya.api import ForgetRequest

        self._job = job
        self._installation = open_installation(load_settings(job.store, embedder=EMBEDDER), write=True)
        with TemporaryDirectory() as folder:
            note = Path(folder) / "warm.md"
            note.write_text("A note for the model to be loaded.\n", encoding="utf-8")
            self._installation.ingest([note])
            self._installation.forget(ForgetRequest(source=note.name))

    def ingest(self) -> None:
        """Reads, splits, analyses, embeds, and leaves everything on disk."""
        self._installation.ingest([self._job.notes])
        self._installation.close()


def stored(job: Job) -> Stored:
    """What the store holds; of chunks that were embedded in several windows, the texts alone."""
    import duckdb

    from ingest.embedder import embedder_named
    from ingest.read import Reading

    embedder = embedder_named(EMBEDDER)
    assert embedder
    reading = Reading(languages=embedder.languages, tokens=embedder.tokens)
    with duckdb.connect(str(job.store / "terakoya.duckdb"), read_only=True) as store:
        rows = store.execute(
            """SELECT any_value(c.heading), any_value(c.ancestors), any_value(c.text), any_value(c.language),
                      any_value(c.shown), list(v.vector)
               FROM chunks c JOIN vectors v ON v.chunk = c.id GROUP BY c.id"""
        ).fetchall()
    found: Stored = []
    for heading, ancestors, *chunk, vectors in rows:
        windows = reading.windows(json.loads(heading), json.loads(ancestors), *chunk)
        if len(windows) != len(vectors):
            raise SystemExit(f"{len(windows)} windows, {len(vectors)} vectors")
        found += [(text, vectors[0] if len(vectors) == 1 else None) for text in windows]
    return found


if __name__ == "__main__":
    compete(prepare=Terakoya, split=None, stored=stored, libraries=("duckdb",))
