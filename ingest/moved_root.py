"""A folder that was moved with its notes stays the root that it was."""

from pathlib import Path

from ingest.store import Store


def follow(store: Store, folder: Path) -> None:
    """Makes `folder` the place of a root of its name whose files all lie in it: it is the same folder, moved.

    Without this, an ingest of it would take every note in a second time. Nothing happens where `folder` is a root
    already, or where a file of the other root is missing in it or has another size.
    """
    place = folder.resolve()
    roots = store.rows("SELECT id, path FROM roots")
    if not place.is_dir() or any(path == str(place) for _, path in roots):
        return
    for root, path in roots:
        if Path(path).name != place.name:
            continue
        notes = store.rows("SELECT path, size FROM notes WHERE root = $root", {"root": root})
        if notes and all(_lies(place, below, size) for below, size in notes):
            with store.transaction() as cursor:
                cursor.execute(
                    "UPDATE roots SET path = $path WHERE id = $root", {"path": str(place), "root": root}
                )
            return


def _lies(place: Path, below: str, size: int) -> bool:
    """Whether the note's file is there, or for a member the archive that it is in."""
    file = place / below
    held = next((each for each in (file, *file.parents) if each.is_file()), None)
    return held is not None and place in held.parents and held.stat().st_size == size
