"""The address of a server with OpenAI's API, and the key for it."""

import os
import re
import stat
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from terakoya.errors import BadInput

KEY_VARIABLE: Final = "TERAKOYA_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server that speaks OpenAI's API.

    Attributes:
        url: Its base, `https://host/v1`, without a slash at the end.
        host: Its name, with the port where the address has one.
    """

    url: str
    host: str

    @classmethod
    def at(cls, url: str, *, http_hosts: Collection[str] = ()) -> "Endpoint":
        """The server at `url`.

        Args:
            url: `https://...`, or `http://...` on this machine or at one of `http_hosts`.
            http_hosts: Hosts, with their port where the address has one, that are asked without TLS.

        Raises:
            BadInput: `remote_url`: this is no address, or holds a password, a query or a fragment;
                `remote_insecure`: the questions and the notes would go through the network for all to read.
        """
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            raise BadInput("remote_url", url=url.rpartition("@")[2]) from None
        try:
            named, _ = parts.hostname, parts.port
        except ValueError:
            named = None
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        if not named or parts.scheme.lower() not in ("http", "https"):
            raise BadInput("remote_url", url=shown)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise BadInput("remote_url", url=shown)
        host = parts.netloc.lower()
        if parts.scheme.lower() == "http" and not _loopback(named) and host not in http_hosts:
            raise BadInput("remote_insecure", url=shown, host=host)
        return cls(url=shown.rstrip("/"), host=host)

    @property
    def on_this_machine(self) -> bool:
        """Whether it is reached through the loopback interface."""
        return _loopback(urlsplit(self.url).hostname or "")

    @property
    def variable(self) -> str:
        """The environment variable for its key."""
        return f"{KEY_VARIABLE}_{re.sub('[^A-Z0-9]', '_', self.host.upper())}"


def key_for(
    endpoint: Endpoint,
    keys: Path,
    *,
    alone: bool,
    environ: Mapping[str, str] | None = None,
) -> SecretStr | None:
    """The key for a server, None where there is none.

    Looked for in the variable of this host, then in the file, then in `TERAKOYA_API_KEY`, which counts only
    where all remote models are at one server: a key must not go to another than the one who gave it.

    Args:
        endpoint: The server.
        keys: File with `"host" = "key"`, readable by its owner only.
        alone: Whether all remote models are at this server.
        environ: The variables; those of the process when None.

    Raises:
        BadInput: `keys_open`: others can read the file; `keys_file`: it cannot be read as TOML.
    """
    variables = os.environ if environ is None else environ
    found = variables.get(endpoint.variable) or _kept(keys).get(endpoint.host)
    if not found and alone:
        found = variables.get(KEY_VARIABLE)
    return SecretStr(found.strip()) if found and found.strip() else None


def _kept(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadInput("keys_open", path=path)
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadInput("keys_file", path=path, reason=error.strerror) from None
    except ValueError:  # its own words quote the file
        raise BadInput("keys_file", path=path, reason="TOML") from None
    return {name.lower(): value for name, value in document.items() if isinstance(value, str)}


def _loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
