"""Putting a backup back: checked as a whole, then put in place by steps that a crash only delays.

Everything is unpacked beside what is there, with checksums. From then on a journal in the home says what is
to be done; whoever reads the home's settings next ends what a crash left.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from app.backup import FILES, FOLDERS, FORMAT, MANIFEST, STORE, THREADS, Backup
from app.home import prepare_home, write_private
from app.settings import RESTORE_JOURNAL as JOURNAL
from terakoya.errors import BadInput, Busy, Unavailable

KEPT: Final = "before-restore-"
"""How the name of a folder begins with what a restore replaced."""
REPLACED: Final = (STORE, f"{STORE}.wal", THREADS, f"{THREADS}-wal", f"{THREADS}-shm", *FILES, *FOLDERS)
"""What a restore replaces; what the backup does not have of these is not there behind it."""
_MOST_MANIFEST: Final = 64 * 2**20
_CHUNK: Final = 2**20


def restore(home: Path, path: Path) -> tuple[Backup, Path | None]:
    """Makes the home what it was when the backup was made.

    Returns:
        What was restored, and the folder in the home with what was there before, None where nothing was.

    Raises:
        BadInput: The file is no backup, is damaged, or is of a later version.
        Busy: The service of the home is running, or another process has its store open.
        Unavailable: The disk has no room for it.
    """
    prepare_home(home)
    with _alone(home):
        _finish(home)
        _sweep(home)
        staged = home / f".restore-{secrets.token_hex(4)}"
        try:
            made = _unpack(path, staged)
            _require_unused(home / STORE)
            kept = f"{KEPT}{time.strftime('%Y%m%dT%H%M%S')}-{staged.name[-8:]}"
            write_private(home / JOURNAL, json.dumps({"staged": staged.name, "kept": kept, "step": "clear"}))
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        _finish(home)
    return made, home / kept if (home / kept).exists() else None


def finish_restore(home: Path) -> None:
    """Ends a restore that a crash cut short.

    Raises:
        Busy: Another process is at it, or the service of the home is running.
    """
    if (home / JOURNAL).exists():
        with _alone(home):
            _finish(home)


def _finish(home: Path) -> None:
    """Does what the journal says; each step may be done again."""
    journal = home / JOURNAL
    try:
        plan = json.loads(journal.read_bytes())
    except FileNotFoundError:
        return
    staged = home / str(plan["staged"])
    if plan["step"] == "clear":
        for name in REPLACED:
            if (home / name).exists() and not (staged / "old" / name).exists():
                (home / name).rename(staged / "old" / name)
        _sync(home)
        write_private(journal, json.dumps({**plan, "step": "fill"}))
    for name in REPLACED:
        if (staged / "new" / name).exists():
            (staged / "new" / name).rename(home / name)
    _sync(home)
    old = staged / "old"
    if old.exists() and any(old.iterdir()):
        old.rename(home / str(plan["kept"]))
    journal.unlink()
    _sync(home)
    shutil.rmtree(staged, ignore_errors=True)


def _unpack(path: Path, staged: Path) -> Backup:
    """Unpacks into `staged/new`, and checks every byte."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive, path)
            files = manifest["files"]
            _require_room(staged.parent, sum(int(each["size"]) for each in files.values()), path)
            for folder in ("old", "new"):
                (staged / folder).mkdir(mode=0o700, parents=True)
            for name, known in files.items():
                _extract(archive, name, known, staged / "new" / _checked(name, path), path)
            return Backup(
                path=str(path),
                files=len(files),
                size=path.stat().st_size,
                made=str(manifest["made"]),
                version=str(manifest["version"]),
            )
    except OSError as error:
        raise BadInput("backup_place", path=path, reason=error.strerror or error) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
    ) as error:
        raise BadInput("backup_damaged", path=path, reason=error) from error


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    if MANIFEST not in archive.namelist():
        raise BadInput("backup_none", path=path)
    if archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST:
        raise ValueError(MANIFEST)
    manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
    if manifest["format"] != FORMAT:
        raise BadInput("backup_later", path=path, version=manifest.get("version"))
    return manifest


def _checked(name: str, path: Path) -> str:
    """The name of a member, where it is one that a backup has."""
    parts = PurePosixPath(name).parts
    plain = ".." not in parts and not set(name) & {"\\", "\0"} and PurePosixPath(*parts).as_posix() == name
    known = parts[0] in FOLDERS if len(parts) > 1 else name in REPLACED and name not in FOLDERS
    if not (plain and known):
        raise BadInput("backup_damaged", path=path, reason=f"`{name[:80]}`")
    return name


def _extract(archive: zipfile.ZipFile, name: str, known: dict[str, Any], target: Path, path: Path) -> None:
    digest = hashlib.sha256()
    left = int(known["size"])
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as out, archive.open(name) as content:
        while chunk := content.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if left or digest.hexdigest() != known["sha256"]:
        raise BadInput("backup_damaged", path=path, reason=f"`{name}`")


def _require_room(home: Path, needed: int, path: Path) -> None:
    if shutil.disk_usage(home).free < needed:
        raise Unavailable("restore_room", path=path, needed=f"{needed / 2**20:.0f}")


def _require_unused(store: Path) -> None:
    """Raises Busy where another process has the store open."""
    from ingest.store import Store

    if not store.exists():
        return
    try:
        Store(store, read_only=False).close()
    except Busy:
        raise
    except Unavailable:  # damaged, or of another version: a reason to restore
        return


def _sweep(home: Path) -> None:
    """Takes away what a crash before the journal left."""
    for left in home.glob(".restore-*"):
        shutil.rmtree(left, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Holds the lock of the service."""
    descriptor = os.open(home / "service.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("restore_running", home=home) from None
        yield
    finally:
        os.close(descriptor)
