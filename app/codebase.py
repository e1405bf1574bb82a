"""What code is running: a digest of its sources and of what it stands on, and the commit."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("terakoya", "ingest", "workflows", "evals", "app")
"""Those of the product whose code may change an answer."""
_SAMPLES: Final = 64
_SAMPLE_BYTES: Final = 64 * 1024
_GIT_SECONDS: Final = 5.0


def sources_digest(packages: Sequence[str] = PACKAGES) -> str:
    """Hexadecimal digest of every file of these installed packages, with its path."""
    total = hashlib.sha256()
    for name in packages:
        spec = find_spec(name)
        for folder in sorted((spec and spec.submodule_search_locations) or ()):
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    total.update(f"{name}/{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()[:32]


def versions(names: Iterable[str]) -> list[str]:
    """The installed versions of distributions, as `name 1.0`."""
    return [f"{name} {_version(name)}" for name in names]


@cache
def dependencies() -> tuple[str, ...]:
    """The distributions that the product declares, extras included."""
    try:
        declared = requires("terakoya") or []
    except PackageNotFoundError:
        return ()
    return tuple(sorted({re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in declared}))


def file_digest(path: Path) -> str:
    """Digest of a file by its size and of pieces all over it: models are too large to be read for each run.

    A folder's is that of its files; nothing's is empty.
    """
    total = hashlib.sha256()
    try:
        if path.is_dir():
            for each in sorted(p for p in path.rglob("*") if p.is_file()):
                total.update(f"{each.relative_to(path).as_posix()} {file_digest(each)}\n".encode())
            return total.hexdigest()[:32]
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            total.update(f"{size}\n".encode())
            for n in range(_SAMPLES):
                file.seek(max(0, size - _SAMPLE_BYTES) * n // (_SAMPLES - 1))
                total.update(file.read(_SAMPLE_BYTES))
    except OSError:
        return ""
    return total.hexdigest()[:32]


def commit() -> str:
    """The commit that the product's code is at, with a `+` where files differ from it; empty outside git."""
    folder = _folder("terakoya")
    if folder is None or not any((parent / ".git").exists() for parent in folder.resolve().parents):
        return ""
    found = _git(folder, "rev-parse", "--short=12", "HEAD")
    return f"{found}+" if found and _git(folder, "status", "--porcelain", "--untracked-files=no") else found


def _folder(package: str) -> Path | None:
    spec = find_spec(package)
    folder = next(iter((spec and spec.submodule_search_locations) or ()), None)
    return Path(folder) if folder else None


def _git(folder: Path, *arguments: str) -> str:
    # A repository may name a program for git to run; only `status` would.
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
