"""Who the service is: what it leaves in its home, and how it proves that it is the one."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

CHALLENGE_HEADER: Final = "X-Terakoya-Challenge"
PROOF_HEADER: Final = "X-Terakoya-Proof"
ASKER_HEADER: Final = "X-Terakoya-Asker"
"""For whom a client asks."""
CONNECT = 2.0


class ServiceRecord(BaseModel):
    """What the running service leaves in `HOME/service.json`, mode 600.

    Attributes:
        address: `http://127.0.0.1:PORT`.
        pid: Process id of the service.
        token: What every request but `/health` must show.
        version: Version of the service.
        page: Address of the page with its key, empty while there is none.
    """

    model_config = ConfigDict(frozen=True)

    address: str
    pid: int
    token: str
    version: str
    page: str = ""

    @classmethod
    def read(cls, home: Path) -> "ServiceRecord | None":
        """The record of the service at `home`; None without one, or where its process has ended."""
        path = home / "service.json"
        try:
            if path.stat().st_uid != os.getuid():
                return None
            record = cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None
        return record if _alive(record.pid) else None


def proof(token: str, challenge: str) -> str:
    """What only a holder of `token` can answer to `challenge`."""
    return hmac.new(token.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def answers(record: ServiceRecord, *, timeout: float = 5.0) -> bool:
    """Whether the service of this record is the one that listens at its address."""
    challenge = secrets.token_hex(16)
    try:
        reply = httpx.get(
            f"{record.address}/health",
            headers={CHALLENGE_HEADER: challenge},
            timeout=httpx.Timeout(timeout, connect=CONNECT),
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return hmac.compare_digest(
        reply.headers.get(PROOF_HEADER, "").encode(), proof(record.token, challenge).encode()
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
