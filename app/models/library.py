"""The models of one home: what was downloaded, and what is known of each file."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from app.home import write_private
from terakoya.errors import BadInput

SUFFIX = ".gguf"
_BLOCK = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a file came from.

    Attributes:
        address: It was downloaded from there, or made of that file.
        sha256: Of the file when it was complete.
        bytes: Of the file then.
        day: When, `2026-11-22`.
    """

    address: str
    sha256: str
    bytes: int
    day: str


class Library:
    """The folder of the models of a home.

    Args:
        folder: Need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where the file of the model with this name is, or would be.

        Raises:
            BadInput: `model_name`: the name cannot be that of a file here.
        """
        if not name or name.startswith(".") or Path(name).name != name or "\\" in name or "\0" in name:
            raise BadInput("model_name", name=name)
        return self.folder / f"{name}{SUFFIX}"

    def files(self) -> list[Path]:
        """The files that are there, by name."""
        return sorted(self.folder.glob(f"[!.]*{SUFFIX}"))

    def origin(self, path: Path) -> Origin | None:
        """Where the file came from, None where that is not known."""
        with suppress(OSError, ValueError, TypeError):
            values: Any = json.loads(_note(path).read_text(encoding="utf-8"))
            return Origin(**values)
        return None

    def remember(self, path: Path, origin: Origin) -> None:
        """Keeps where the file came from."""
        write_private(_note(path), json.dumps(asdict(origin)))

    def remove(self, path: Path) -> int:
        """Removes a file of this folder with what is known of it; the bytes that are free now.

        Raises:
            BadInput: `model_foreign`: the file is not in this folder; `model_missing`: it is not there.
        """
        if path.parent.resolve() != self.folder.resolve():
            raise BadInput("model_foreign", path=path, folder=self.folder)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            raise BadInput("model_missing", path=path) from None
        _note(path).unlink(missing_ok=True)
        return size


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
