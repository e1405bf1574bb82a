"""A folder that was moved with its notes stays the root that it was."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ingest.folder import Root
from ingest.store import Store


def follow(store: Store, folder: Path) -> None:
    """Makes `folder` the place of a root of its name whose files all lie in it: it is the same folder, moved.

    Without this, an ingest of it would take every note in a second time. Nothing happens where `folder` is a root
    already, or where a file of the other root is missing in it or has another size.
    """
    place, roots = folder.resolve(), known_roots(store)
    if place.is_dir() and not any(root.path == place for root in roots):
        for root in roots:
            if root.path.name == place.name and _all_lie(store, root, place):
                move(store, replace(root, path=place))
                return


def moved(store: Store, place: Path, roots: Sequence[Root]) -> Root | None:
    """The root that `place` is now, where its old folder is gone and all its files lie here; None where none is.

    It is not written down; `move` does that.
    """
    if not place.is_dir() or any(root.path == place or root.path in place.parents for root in roots):
        return None
    gone = (root for root in roots if not root.path.exists())
    return next((replace(root, path=place) for root in gone if _all_lie(store, root, place)), None)


def move(store: Store, root: Root) -> None:
    """Writes down where a root is now."""
    with store.transaction() as cursor:
        cursor.execute(
            "UPDATE roots SET path = $path WHERE id = $id", {"path": str(root.path), "id": root.id}
        )


def known_roots(store: Store) -> list[Root]:
    """All roots, in the order in which they came."""
    rows = store.rows("SELECT id, path, name FROM roots ORDER BY id")
    return [Root(id=row[0], path=Path(row[1]), name=row[2]) for row in rows]


def _all_lie(store: Store, root: Root, place: Path) -> bool:
    notes = store.rows("SELECT path, size FROM notes WHERE root = $root", {"root": root.id})
    return bool(notes) and all(_lies(place, below, size) for below, size in notes)


def _lies(place: Path, below: str, size: int) -> bool:
    """Whether the note's file is there, or for a member the archive that it is in."""
    file = place / below
    held = next((each for each in (file, *file.parents) if each.is_file()), None)
    return held is not None and place in held.parents and held.stat().st_size == size
