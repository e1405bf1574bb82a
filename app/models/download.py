"""Downloading a model: it goes on where it stopped, and is there only when it is whole."""

import fcntl
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urljoin, urlsplit

import httpx

from app.home import write_private
from app.models.endpoint import Endpoint
from app.models.gguf import read_header
from app.models.library import Library, Origin
from app.models.waiting import backoff, retry_after
from terakoya.errors import BadInput, Busy, Unavailable

Progress = Callable[[int, int], None]
"""Gets the bytes that are there and those that there will be, 0 for unknown."""

_BLOCK: Final = 1 << 20
_SPARE: Final = 64 << 20
"""Bytes of disk that a download leaves free."""
_TRIES: Final = 6
"""Tries in a row without one new byte before it is given up."""
_LONGEST_WAIT: Final = 60.0
_REDIRECTS: Final = 5
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_TOTAL: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of a file that has come in part."""

    address: str
    etag: str = ""
    size: int = 0
    sha256: str = ""


class Download:
    """One file on its way into a library.

    Args:
        address: Where it is, `https://...`, or `http://...` on this machine.
        path: Where it will be. Beside it lies, until it is whole, the part that has come.
        library: Remembers where it came from.
        size: Bytes that it has, 0 for unknown.
        sha256: What it has to be, empty for unknown; then what the server says it is, as huggingface.co does in
            `X-Linked-Etag`, and else nothing is compared.
        wait: Sleeps.
        timeout: For the connection, and for each piece.
    """

    def __init__(
        self,
        address: str,
        path: Path,
        library: Library,
        *,
        size: int = 0,
        sha256: str = "",
        wait: Callable[[float], None] = time.sleep,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> None:
        self._address = address
        self._path = path
        self._library = library
        self._wait = wait
        self._timeout = timeout
        self._part_path = path.with_name(f".{path.name}.part")
        self._note_path = path.with_name(f".{path.name}.part.json")
        self._known = _Part(address, size=size, sha256=sha256.lower())

    def run(self, progress: Progress = lambda done, total: None) -> Origin:
        """Downloads until the file is there; what has come stays when this fails.

        Returns:
            Where it came from, and its checksum.

        Raises:
            BadInput: `pull_refused`, `pull_status`: the server does not give it; `pull_size`, `pull_checksum`,
                `pull_not_gguf`: it gives something else; `pull_address`, `pull_insecure`: the address, or
                one that it leads to.
            Busy: `pull_busy`: another process downloads it.
            Unavailable: `pull_offline`, `pull_cut`: no connection, or it breaks again and again; `disk_full`.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._part_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._disk_full(error) from None
        with os.fdopen(descriptor, "r+b") as part:
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("pull_busy", name=self._path.stem) from None
            try:
                self._fetch(part, progress)
            except OSError as error:
                raise self._disk_full(error) from None
            return self._finish(part)

    def _fetch(self, part: BinaryIO, progress: Progress) -> None:
        known = self._resumable(part)
        tries = furthest = 0
        with httpx.Client(timeout=self._timeout, headers={"Accept-Encoding": "identity"}) as client:
            while True:
                if known.size and part.seek(0, os.SEEK_END) == known.size:
                    self._known = known
                    return
                try:
                    self._known = self._try(client, part, known, progress)
                    return
                except (httpx.HTTPError, _Again) as error:
                    came = part.seek(0, os.SEEK_END)
                    tries = 1 if came > furthest else tries + 1
                    furthest = max(furthest, came)
                    if tries >= _TRIES:
                        raise self._given_up(error, came) from None
                    known = self._resumable(part)
                    asked = error.seconds if isinstance(error, _Again) else None
                    self._wait(backoff(tries) if asked is None else min(asked, _LONGEST_WAIT))

    def _try(self, client: httpx.Client, part: BinaryIO, known: _Part, progress: Progress) -> _Part:
        """Asks once for what is missing, and gives what is known of the whole."""
        have = part.seek(0, os.SEEK_END)
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and known.etag:
            headers["If-Range"] = known.etag
        reply, told = self._ask(client, headers, known)
        try:
            known = self._checked(reply, replace(known, sha256=known.sha256 or told.sha256), told)
            start = _first_byte(reply)
            if start != have:  # the file has changed, or the server knows no ranges: from the beginning
                part.truncate(0)
                have = 0
                if start:
                    raise _Again(None)
            write_private(self._note_path, json.dumps(_as_json(known)))
            self._require_room(known.size - have if known.size else 0)
            part.seek(have)
            for (
                block
            ) in reply.iter_raw():  # as they come: what is held back would be lost with the connection
                have += len(block)
                if known.size and have > known.size:
                    part.truncate(0)
                    raise BadInput(
                        "pull_size", address=self._address, wanted=known.size, found=f"> {known.size}"
                    )
                part.write(block)
                progress(have, known.size)
                if not known.size and have % (64 << 20) < _BLOCK:
                    self._require_room(0)
            part.flush()
            if known.size and have < known.size:
                raise _Again(None)
            return replace(known, size=have)
        finally:
            reply.close()

    def _ask(
        self, client: httpx.Client, headers: dict[str, str], known: _Part
    ) -> tuple[httpx.Response, _Part]:
        """The reply at the end of all redirections, and what they said of the file."""
        address = self._address
        told = _Part(self._address)
        for _ in range(_REDIRECTS):
            _require_https(address)
            reply = client.send(client.build_request("GET", address, headers=headers), stream=True)
            told = _Part(
                self._address,
                size=told.size or _number(reply.headers.get("x-linked-size", "")),
                sha256=told.sha256 or _sha256(reply.headers.get("x-linked-etag", "")),
            )
            if reply.status_code in (301, 302, 303, 307, 308) and "location" in reply.headers:
                reply.close()
                address = urljoin(address, reply.headers["location"])
                continue
            if reply.status_code in (200, 206):
                return reply, told
            reply.close()
            self._refuse(reply, known)
        raise BadInput("pull_status", address=self._address, status="3xx")

    def _refuse(self, reply: httpx.Response, known: _Part) -> None:
        status = reply.status_code
        if status == 416:  # nothing behind what is there: it was another file
            os.truncate(self._part_path, 0)
            raise _Again(None)
        if status in (408, 425, 429) or status >= 500:
            raise _Again(retry_after(reply.headers), f"HTTP {status}")
        if status in (401, 403):
            raise BadInput("pull_refused", address=self._address, path=self._path)
        raise BadInput("pull_status", address=self._address, status=status)

    def _checked(self, reply: httpx.Response, known: _Part, told: _Part) -> _Part:
        """What is known with what this reply says; the size that is promised is the one that has to come."""
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise BadInput("pull_status", address=self._address, status=reply.headers["content-encoding"])
        total = _total(reply)
        for found in (told.size, total):
            if known.size and found and found != known.size:
                raise BadInput("pull_size", address=self._address, wanted=known.size, found=found)
        etag = reply.headers.get("etag", "")
        return replace(
            known, etag="" if etag.startswith("W/") else etag, size=known.size or told.size or total
        )

    def _resumable(self, part: BinaryIO) -> _Part:
        """What is known of the part that is there; without a way to tell that it fits, it goes."""
        try:
            noted = _Part(**json.loads(self._note_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            noted = _Part("")
        ours = self._known
        fits = noted.address == self._address and (not ours.sha256 or noted.sha256 == ours.sha256)
        if not fits or not (noted.etag or noted.sha256):
            part.truncate(0)
            return ours
        return replace(noted, size=ours.size or noted.size)

    def _finish(self, part: BinaryIO) -> Origin:
        part.flush()
        os.fsync(part.fileno())
        found = sha256()
        part.seek(0)
        while block := part.read(_BLOCK):
            found.update(block)
        size = part.tell()
        if self._known.sha256 and found.hexdigest() != self._known.sha256:
            self._discard()
            raise BadInput(
                "pull_checksum", address=self._address, wanted=self._known.sha256, found=found.hexdigest()
            )
        try:
            read_header(self._part_path)
        except BadInput as error:
            self._discard()
            reason = error.values.get("reason") or error.key
            raise BadInput("pull_not_gguf", address=self._address, reason=reason) from None
        origin = Origin(
            address=self._address,
            sha256=found.hexdigest(),
            bytes=size,
            day=datetime.now(UTC).date().isoformat(),
        )
        self._library.remember(self._path, origin)
        self._part_path.replace(self._path)
        self._note_path.unlink(missing_ok=True)
        return origin

    @property
    def checked(self) -> bool:
        """Whether there was a checksum to compare with."""
        return bool(self._known.sha256)

    def _discard(self) -> None:
        for path in (self._part_path, self._note_path):
            path.unlink(missing_ok=True)

    def _require_room(self, needed: int) -> None:
        free = _free(self._path.parent)
        if free < needed + _SPARE:
            raise Unavailable(
                "models_disk", path=self._path.parent, needed=_gib(needed + _SPARE), free=_gib(free)
            )

    def _disk_full(self, error: OSError) -> Unavailable:
        free = _gib(_free(self._path.parent))
        return Unavailable("pull_disk", path=self._path.parent, reason=error.strerror or error, free=free)

    def _given_up(self, error: Exception, came: int) -> Unavailable:
        if not came and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Unavailable(
                "pull_offline",
                host=urlsplit(self._address).netloc,
                address=self._address,
                path=self._path,
            )
        reason = str(error) or type(error).__name__
        return Unavailable("pull_cut", address=self._address, reason=reason, came=_gib(came))


class _Again(Exception):
    """It is worth another try, after so many seconds where the server says so."""

    def __init__(self, seconds: float | None, reason: str = "") -> None:
        super().__init__(reason or "the connection ended early")
        self.seconds = seconds


def _as_json(part: _Part) -> dict[str, str | int]:
    return {"address": part.address, "etag": part.etag, "size": part.size, "sha256": part.sha256}


def _first_byte(reply: httpx.Response) -> int:
    """Where in the file the reply begins."""
    if reply.status_code != 206:
        return 0
    found = _TOTAL.fullmatch(reply.headers.get("content-range", "").strip())
    return int(found[1]) if found else -1


def _total(reply: httpx.Response) -> int:
    """Bytes of the whole file by this reply, 0 for unknown."""
    if reply.status_code == 206:
        found = _TOTAL.fullmatch(reply.headers.get("content-range", "").strip())
        return _number(found[2]) if found else 0
    return _number(reply.headers.get("content-length", ""))


def _number(value: str) -> int:
    return int(value) if value.isdecimal() and len(value) < 19 else 0


def _sha256(etag: str) -> str:
    found = re.fullmatch(r'"?([0-9a-fA-F]{64})"?', etag.strip())
    return found[1].lower() if found else ""


def _free(folder: Path) -> int:
    with suppress(OSError):
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize
    return 1 << 62


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f}"


def _require_https(address: str) -> None:
    try:
        Endpoint.at(urlsplit(address)._replace(query="", fragment="").geturl())
    except BadInput as error:
        key = "pull_insecure" if error.key == "remote_insecure" else "pull_address"
        raise BadInput(key, address=error.values["url"]) from None
    except ValueError:  # brackets that no address has
        raise BadInput("pull_address", address=address.rpartition("@")[2]) from None
