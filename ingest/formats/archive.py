"""Zip files that are not trusted: what they hold is checked before any of it is unpacked."""

import io
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, Final, Self

from terakoya.errors import BadInput
from terakoya.text.normalise import printable

MOST_MEMBERS: Final = 10_000
LARGEST: Final = 256 * 2**20
"""Bytes that all members together may unpack to."""
_STEEPEST: Final = 200
"""Times its own size that an archive may unpack to, once that is more than `_HARMLESS`."""
_HARMLESS: Final = 16 * 2**20
_LONGEST_ENTRY: Final = 1024
_TAIL: Final = 65_536 + 256
_UTF8_NAME: Final = 0x800
_ENCRYPTED: Final = 0x1
_ODD: Final = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:|[\u202a-\u202e\u2066-\u2069]")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    struct.error,
    IndexError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    OverflowError,
)


class Archive:
    """A zip file, opened for reading within bounds; a context manager."""

    def __init__(self, source: bytes | Path, *, path: str) -> None:
        """Reads the directory of the archive.

        Args:
            source: Its bytes, or the file.
            path: For error sentences.

        Raises:
            BadInput: It is damaged, or unpacks to more than it should.
        """
        self.path = path
        try:
            file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        except OSError as error:
            raise BadInput("path_unreadable", path=path, reason=error.strerror or error) from None
        self._file = file
        try:
            size = file.seek(0, io.SEEK_END)
            if _directory_size(file, size) > MOST_MEMBERS * _LONGEST_ENTRY:
                raise BadInput("archive_many", path=path, limit=MOST_MEMBERS)
            self._zip = zipfile.ZipFile(file)
        except BadInput:
            file.close()
            raise
        except _DAMAGE as error:
            file.close()
            if isinstance(error, OSError) and isinstance(source, Path) and error.strerror:
                raise BadInput("path_unreadable", path=path, reason=error.strerror) from None
            raise BadInput("note_damaged", path=path) from None
        try:
            infos = self._zip.infolist()
            unpacked = sum(info.file_size for info in infos)
            if len(infos) > MOST_MEMBERS:
                raise BadInput("archive_many", path=path, limit=MOST_MEMBERS)
            if unpacked > LARGEST or unpacked > max(_HARMLESS, _STEEPEST * size):
                raise BadInput("archive_bomb", path=path, size=unpacked / 2**20)
        except BaseException:
            self.close()
            raise
        self._infos = {_name(info): info for info in infos if not info.filename.endswith("/")}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> list[str]:
        """Paths of the files in it, in the archive's order."""
        return list(self._infos)

    def refusal(self, name: str) -> BadInput | None:
        """Why the member is not read: its name leads out of the archive, or it is a link."""
        mode = self._infos[name].external_attr >> 16
        parts = name.split("/")
        if stat.S_ISLNK(mode) or name.startswith("/") or ".." in parts or "" in parts or _ODD.search(name):
            return BadInput("archive_name", path=self.path, name=printable(name)[:200])
        return None

    def read(self, name: str, *, limit: int = _HARMLESS * 4) -> bytes | None:
        """One member, None where there is none of this name.

        Raises:
            BadInput: It is damaged, encrypted, or larger than `limit` bytes.
        """
        info = self._infos.get(name)
        if info is None:
            return None
        if info.flag_bits & _ENCRYPTED:
            raise BadInput("note_encrypted", path=f"{self.path}/{name}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput("archive_method", path=f"{self.path}/{name}")  # LZMA can ask for any memory
        if info.file_size > limit:
            size, most = info.file_size / 2**20, limit / 2**20
            raise BadInput("note_large", path=f"{self.path}/{name}", size=size, limit=most)
        try:
            with self._zip.open(info) as member:
                return member.read(info.file_size + 1)  # never more than the directory says
        except _DAMAGE:
            raise BadInput("note_damaged", path=self.path) from None

    def need(self, name: str) -> bytes:
        """One member that must be there.

        Raises:
            BadInput: See `read`; or it is missing.
        """
        data = self.read(name)
        if data is None:
            raise BadInput("note_damaged", path=self.path)
        return data


def _directory_size(file: BinaryIO, size: int) -> int:
    """Bytes of the archive's directory as its end says, known before any of it is held in memory."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    file.seek(0)
    found = 0
    for mark, at, length in ((b"PK\x05\x06", 12, 4), (b"PK\x06\x06", 40, 8)):  # the second is for large files
        begin = tail.rfind(mark)
        value = int.from_bytes(tail[begin + at : begin + at + length], "little") if begin >= 0 else 0
        found = max(found, 0 if length == 4 and value == 0xFFFFFFFF else value)
    return found


def _name(info: zipfile.ZipInfo) -> str:
    """The member's path; Windows in Japan writes names in Shift_JIS, which a zip cannot tell."""
    name = info.orig_filename if info.flag_bits & _UTF8_NAME else info.filename
    if info.flag_bits & _UTF8_NAME or name.isascii():
        return name
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    for encoding in ("utf-8", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name
