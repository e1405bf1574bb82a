"""Notes that come over HTTP: checked names, bounded sizes, and never over what is there."""

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from ingest.read import KINDS
from terakoya.errors import BadInput

MAX_FILES: Final = 64
_MAX_NAME_BYTES: Final = 180  # leaves room for a number within the 255 bytes of most file systems
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class UploadTooLarge(BadInput):
    """The file is larger than notes may be."""

    http_status = 413


def safe_name(name: str) -> str:
    """The file name of an upload, without any folder.

    Raises:
        BadInput: Nothing is left of it, it would be hidden, or it is not a kind of note that is taken.
    """
    last = (
        unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
        .replace("\\", "/")
        .split("/")[-1]
    )
    cleaned = _FORBIDDEN.sub("", last).strip(" ")
    stem, suffix = os.path.splitext(cleaned)  # noqa: PTH122 (pathlib would drop a trailing dot without a word)
    if not stem.strip(" .") or cleaned.startswith(".") or _DEVICES.fullmatch(cleaned):
        raise BadInput("upload_name", name=last[:100])
    if suffix.lower() not in KINDS:
        raise BadInput("note_kind", path=cleaned[:100], kinds=" ".join(sorted(KINDS)))
    while len(f"{stem}{suffix}".encode()) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + suffix


def save(folder: Path, files: Sequence[tuple[str, BinaryIO]], *, max_mb: float) -> list[Path]:
    """Writes uploads into `folder`; a name that is taken by another content gets a number.

    All names and sizes are checked before the first file is written.

    Raises:
        BadInput: There is no file, there are too many, or a name or a size is refused.
    """
    if not files:
        raise BadInput("upload_empty")
    if len(files) > MAX_FILES:
        raise BadInput("upload_many", limit=MAX_FILES)
    limit = int(max_mb * 1024 * 1024)
    read: list[tuple[str, bytes]] = []
    for given, stream in files:
        name = safe_name(given)
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise UploadTooLarge("upload_large", name=name, limit=f"{max_mb:g}")
        read.append((name, content))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_write(folder, name, content) for name, content in read]


def _write(folder: Path, name: str, content: bytes) -> Path:
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
                return path
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return path
