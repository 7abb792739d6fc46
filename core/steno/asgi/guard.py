"""Who may be asked from where: a page of another site must not reach a server that listens on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit


class Guard:
    """Judges the headers `Host` and `Origin` of a request, by parsed name or address.

    A page that resolves its own name to this machine sends that name as Host, so names are allowed one by one.
    Addresses name themselves: those of this machine and of private networks are allowed.

    Args:
        host: Where the server listens.
        allowed_hosts: Further names and addresses; "*" for any.
        allowed_origins: Pages of other origins that may ask, as "https://host:port".
    """

    def __init__(self, host: str, allowed_hosts: Sequence[str], allowed_origins: Sequence[str] = ()) -> None:
        self._names = frozenset({"localhost", host.lower(), *(each.lower() for each in allowed_hosts)})
        self._any_host = "*" in allowed_hosts
        self._origins = frozenset(each.rstrip("/").lower() for each in allowed_origins)
        self._known: set[tuple[bytes, bytes | None]] = set()

    def objection(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return why a request is refused, "" if it is not."""
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or len(origins) > 1:
            return "a request has one Host and at most one Origin"
        seen = hosts[0], origins[0] if origins else None
        if seen in self._known:
            return ""
        said = self._judged(*(part.decode("latin-1").strip().lower() if part is not None else None for part in seen))
        if not said and len(self._known) < 1000:
            self._known.add(seen)
        return said

    def _judged(self, host: str | None, origin: str | None) -> str:
        name = _host_name(host or "")
        if name is None or not (self._any_host or name in self._names or _is_near(name)):
            return f"requests to the host {host!r} are refused; --allowed-hosts allows a name"
        if origin is None or origin in self._origins or _is_of(origin, host or ""):
            return ""
        return f"requests from the page {origin!r} are refused; --cors-allowed-origins allows one"


def _host_name(host: str) -> str | None:
    """The name or address in a Host header, None for what is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.hostname if plain else None


def _is_near(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _is_of(origin: str, host: str) -> bool:
    """Whether a page comes from this very server."""
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and rest == host
