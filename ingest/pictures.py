"""Whether the pictures that a note shows are there: beside it in the folder, or in its archive."""

import os
import posixpath
from pathlib import Path

from ingest.document import Image
from ingest.folder import Bytes, FoundFile
from terakoya.errors import TerakoyaError


class Pictures:
    """Looks for pictures below one root.

    Args:
        root: Nothing outside it is looked for.
        files: Opens archives.
    """

    def __init__(self, root: Path, files: Bytes) -> None:
        self._root = root
        self._files = files
        self._names: frozenset[str] | None = None

    def missing(self, found: FoundFile, image: Image) -> bool:
        """Whether the picture of a note should be there and is not."""
        folder = posixpath.dirname(found.member or found.path)
        path = posixpath.normpath(posixpath.join(folder, image.path))
        if path.startswith("../") or "\0" in path:
            return False  # who can tell what is outside
        if found.member:
            names = self._members(found)
            return path not in names and not (image.by_name and _named(image.path, names))
        if os.path.lexists(self._root / path):
            return False
        return not (image.by_name and image.path.rpartition("/")[2].lower() in self._all_names())

    def _members(self, found: FoundFile) -> list[str]:
        try:
            return self._files.members(found)
        except TerakoyaError:
            return []

    def _all_names(self) -> frozenset[str]:
        """Names of all files below the root; Obsidian finds a picture by its name alone."""
        if self._names is None:
            self._names = frozenset(name.lower() for _, _, names in os.walk(self._root) for name in names)
        return self._names


def _named(path: str, names: list[str]) -> bool:
    name = path.rpartition("/")[2].lower()
    return any(member.rpartition("/")[2].lower() == name for member in names)
