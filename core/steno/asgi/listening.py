"""The socket that a server listens on, shared by its workers."""

from __future__ import annotations

import ipaddress
import socket

from steno.errors import InvalidValue

BACKLOG = 2048


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises: InvalidValue."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        raise InvalidValue(
            f"cannot listen on {host}:{port} ({error.strerror or error}): choose another --port"
        ) from error
    found.set_inheritable(True)
    return found


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
