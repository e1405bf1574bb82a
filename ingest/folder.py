"""Which files of a folder are notes, and which root each belongs to."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ingest.formats.archive import Archive
from ingest.read import ARCHIVE, KINDS
from terakoya.errors import BadInput
from terakoya.text.normalise import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A folder whose notes are in the store."""

    id: int
    path: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that may hold a note, or a member of an archive that may.

    Attributes:
        root: What `path` is below.
        path: Below the root, with `/`; for a member, the archive's path and then its own inside.
        size: Of `file`, in bytes.
        mtime_ns: Of `file`.
        member: Path inside the archive, empty for a file of its own.
    """

    root: Path
    path: str
    size: int
    mtime_ns: int
    member: str = ""

    @property
    def file(self) -> Path:
        """Where it is; for a member, where the archive is. Made when asked for: a `Path` takes 400 bytes."""
        return self.root / self.outer

    @property
    def outer(self) -> str:
        """Path of `file` below the root."""
        return self.path.removesuffix(f"/{self.member}") if self.member else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one path of an ingest covers: a folder, or one file, below a root.

    Attributes:
        root: Absolute path of the root, which may be new.
        below: Path inside the root that is covered, with `/`; empty for all of it.
        single: It is one file.
    """

    root: Path
    below: str
    single: bool

    def covers(self, path: str) -> bool:
        """Whether a note at `path` below the root is within this scope."""
        return not self.below or path == self.below or path.startswith(self.below + "/")


def scope_of(path: Path, roots: Sequence[Root]) -> Scope:
    """The scope of `path`: inside a root that is known when there is one, else a root of its own.

    Raises:
        BadInput: It does not exist, is neither file nor folder, or is a file of a kind that is not read.
    """
    try:
        place = path.expanduser().resolve(strict=True)
    except FileNotFoundError:
        raise BadInput("path_missing", path=path) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not place.is_dir() and not place.is_file():
        raise BadInput("path_kind", path=path)
    if not is_text(str(place)):
        raise BadInput("note_name", path=printable(str(place)))
    single = place.is_file()
    if single and place.suffix.lower() not in KINDS:
        raise BadInput("note_kind", path=path, kinds=" ".join(sorted(KINDS)))
    holders = [root.path for root in roots if place == root.path or root.path in place.parents]
    own = place.parent if single else place
    root = max(holders, key=lambda holder: len(holder.parts), default=own)
    below = place.relative_to(root).as_posix()
    return Scope(root=root, below="" if below == "." else below, single=single)


def walk(
    scope: Scope, others: Sequence[Path], unreadable: Callable[[str, BadInput], None]
) -> Iterator[FoundFile]:
    """The files within `scope` that may hold notes, by path; what belongs to another root is left out.

    Hidden files and folders are passed over; links to folders are not followed, so that none can loop.

    Args:
        scope: What is covered.
        others: Paths of the other roots.
        unreadable: Told the path below the root of each folder or file that cannot be looked at.
    """

    def refuse(error: OSError) -> None:
        place = Path(error.filename)
        below = "" if place == scope.root else place.relative_to(scope.root).as_posix()
        unreadable(below, _unreadable(place, error))

    start = scope.root / scope.below if scope.below else scope.root
    if scope.single:
        found = _found(start, scope.root, refuse)
        if found:
            yield from _opened(found, unreadable)
        return
    for folder, folders, names in os.walk(start, onerror=refuse):
        here = Path(folder)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and here / n not in others)
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in KINDS:
                found = _found(here / name, scope.root, refuse)
                if found:
                    yield from _opened(found, unreadable)


class Bytes:
    """Reads found files; the archive that was read from last stays open until `close`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._open: tuple[Path, Archive] | None = None

    def read(self, found: FoundFile) -> bytes:
        """The bytes of a file or a member.

        Raises:
            BadInput: It is too large, is damaged or cannot be read.
        """
        if not is_text(found.path):
            raise BadInput("note_name", path=printable(found.path))
        if found.member:
            data = self._archive(found).read(found.member, limit=self._max_bytes)
            if data is None:  # the archive was written anew since it was listed
                raise BadInput("path_missing", path=found.path)
            return data
        if found.size > self._max_bytes:
            raise BadInput(
                "note_large", path=found.file, size=found.size / 2**20, limit=self._max_bytes / 2**20
            )
        try:
            return found.file.read_bytes()
        except OSError as error:
            raise BadInput("path_unreadable", path=found.file, reason=error.strerror or error) from None

    def members(self, found: FoundFile) -> list[str]:
        """Paths of all files in the archive that a member is in.

        Raises:
            BadInput: It is damaged.
        """
        return self._archive(found).names

    def _archive(self, found: FoundFile) -> Archive:
        if self._open is None or self._open[0] != found.file:
            self.close()
            self._open = found.file, Archive(found.file, path=found.outer)
        return self._open[1]

    def close(self) -> None:
        """Closes what is open."""
        if self._open:
            self._open[1].close()
            self._open = None


def is_text(name: str) -> bool:
    """Whether a file's name is text; other bytes of a name come as unpaired surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _opened(found: FoundFile, unreadable: Callable[[str, BadInput], None]) -> Iterator[FoundFile]:
    """The file itself, or the members of an archive that may hold notes."""
    if found.file.suffix.lower() != ARCHIVE:
        yield found
        return
    path = found.path
    if not is_text(path):
        unreadable(path, BadInput("note_name", path=printable(path)))
        return
    try:
        with Archive(found.file, path=path) as archive:
            members = [(name, archive.refusal(name)) for name in sorted(archive.names)]
    except BadInput as error:
        unreadable(path, error)
        return
    for name, refusal in members:
        suffix = PurePosixPath(name).suffix.lower()
        hidden = any((p.startswith(".") and p != "..") or p == "__MACOSX" for p in name.split("/"))
        if suffix not in KINDS or hidden:
            continue
        if suffix == ARCHIVE:
            refusal = refusal or BadInput("archive_nested", path=path, name=printable(name))
        if refusal:
            unreadable(f"{path}/{printable(name)}", refusal)
        else:
            yield replace(found, path=f"{path}/{name}", member=name)


def _found(file: Path, root: Path, refuse: Callable[[OSError], None]) -> FoundFile | None:
    try:
        state = file.stat()
    except FileNotFoundError:
        return None  # gone since it was listed, or a link to nothing
    except OSError as error:
        refuse(error)
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return FoundFile(
        root=root, path=file.relative_to(root).as_posix(), size=state.st_size, mtime_ns=state.st_mtime_ns
    )


def _unreadable(path: Path, error: Exception) -> BadInput:
    # `resolve` tells a loop as a RuntimeError before Python 3.13
    if isinstance(error, RuntimeError) or (isinstance(error, OSError) and error.errno == errno.ELOOP):
        return BadInput("path_loop", path=path)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BadInput("path_unreadable", path=path, reason=reason)
