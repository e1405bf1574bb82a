"""Listening on this machine alone."""

import errno
import socket
from typing import Final

from terakoya.errors import BadInput, Unavailable

_ADDRESSES: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """A socket that listens on `port`, or on any free one for 0.

    Args:
        host: One of the names of the loopback interface.
        port: 0 to 65,535.
        option: The option that changes the port, for the error.

    Raises:
        BadInput: `host` is reachable from other machines.
        Unavailable: The port is in use.
    """
    if host not in _ADDRESSES:
        raise BadInput("host_loopback", host=host)
    address = _ADDRESSES[host]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio switches Nagle's algorithm off, which costs 40 ms a reply, only where the protocol is spelt out.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)  # at once: on Linux two may bind the same port, only one may listen
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise Unavailable("port_in_use", port=port, option=option) from None
        raise
    return listener


def url(listener: socket.socket) -> str:
    """The address of an HTTP server on this socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
