"""A backup: one zip file with store, conversations, traces, uploads, settings and prompts, each with its checksum."""

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from terakoya import __version__
from terakoya.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from app.wiring import Wiring

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
STORE: Final = "terakoya.duckdb"
THREADS: Final = "threads.sqlite"
FILES: Final = ("terakoya.toml", "tuned.toml", "mcp.json")
"""What a person, or `eval tune`, set."""
FOLDERS: Final = ("traces", "uploads", "prompts", "suites")
_CHUNK: Final = 2**20
_CURSOR: Final = "langfuse.cursor"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds.

    Attributes:
        path: Of the file.
        files: Number of files in it.
        size: Bytes of the backup.
        made: When it was made, ISO 8601.
        version: Of the product that made it.
        threads_at: The server that has the conversations, which are not in it; empty where they are.
    """

    path: str
    files: int
    size: int
    made: str
    version: str
    threads_at: str = ""


def make_backup(wiring: "Wiring", path: Path) -> Backup:
    """Writes the state of a home to a new file, mode 600, while others go on reading and writing.

    Each of store and conversations is copied as one state; what is asked or taken in meanwhile may be missing.

    Raises:
        BadInput: `path` is there already, or its folder cannot be written to.
        Unavailable: The disk is full, or the store is damaged.
    """
    if path.exists():
        raise BadInput("backup_exists", path=path)
    home = wiring.settings.home
    staged = home / f".backup-{secrets.token_hex(4)}"
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with _told(path):
            staged.mkdir(mode=0o700)
            _stage(wiring, staged)
            descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            with os.fdopen(descriptor, "w+b") as file:
                made, files = _write(file, staged, home)
                file.flush()
                os.fsync(file.fileno())
            _publish(beside, path)
            return Backup(
                path=str(path),
                files=files,
                size=path.stat().st_size,
                made=made,
                version=__version__,
                threads_at=wiring.threads.place,
            )
    finally:
        beside.unlink(missing_ok=True)
        shutil.rmtree(staged, ignore_errors=True)


def _stage(wiring: "Wiring", staged: Path) -> None:
    home = wiring.settings.home
    # Before the traces: a cursor that is older than they are sends some again, under the same ids.
    (staged / "traces").mkdir(mode=0o700)
    cursor = home / "traces" / _CURSOR
    if cursor.exists():
        shutil.copyfile(cursor, staged / "traces" / _CURSOR)
    wiring.store.copy_to(staged)
    wiring.threads.copy_to(staged / THREADS)


def _write(file: Any, staged: Path, home: Path) -> tuple[str, int]:
    known: dict[str, dict[str, Any]] = {}
    made = datetime.now(UTC).isoformat(timespec="seconds")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, source in _members(staged, home):
            known[name] = _add(archive, name, source)
        manifest = {"format": FORMAT, "version": __version__, "made": made, "files": known}
        archive.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), json.dumps(manifest, indent=1))
    return made, len(known)


def _members(staged: Path, home: Path) -> Iterator[tuple[str, Path]]:
    """Names in the backup, and where their content is; none that a link leads to."""
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        yield path.relative_to(staged).as_posix(), path
    for name in FILES:
        if (home / name).is_file():
            yield name, home / name
    traces = home / "traces"
    for path in sorted(path for path in traces.glob("*.jsonl") if not path.is_symlink()):
        yield f"traces/{path.name}", path
    for folder in ("uploads", "prompts", "suites"):
        for path in sorted((home / folder).rglob("*")):
            if not path.is_symlink() and stat.S_ISREG(path.stat().st_mode):
                yield path.relative_to(home).as_posix(), path


def _add(archive: zipfile.ZipFile, name: str, source: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    size = 0
    info = zipfile.ZipInfo(name, time.localtime()[:6])
    info.external_attr = 0o600 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    with source.open("rb") as content, archive.open(info, "w", force_zip64=True) as out:
        left = os.fstat(content.fileno()).st_size  # a trace file may grow meanwhile
        while left and (chunk := content.read(min(_CHUNK, left))):
            digest.update(chunk)
            size += len(chunk)
            left -= len(chunk)
            out.write(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def _publish(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)  # unlike a rename it replaces nothing
    except FileExistsError:
        raise BadInput("backup_exists", path=path) from None
    except OSError:  # a file system without links
        beside.rename(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Unavailable("disk_full", path=path) from error
        raise BadInput("backup_place", path=path, reason=error.strerror or error) from error
