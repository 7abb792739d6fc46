"""The logins in addresses: taken out as soon as one is given, and kept where nothing is written down.

They stand in one variable of the environment, which child processes inherit, each beside the host that it is for: no
other host is ever shown it. Journals, tags, messages and what `get_tracking_uri()` returns have the address without it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from steno import settings
from steno.errors import InvalidValue

_SHARED = "logins"
_ENDS = "/?#"


class _Parts(NamedTuple):
    """An address cut in three: `scheme://host:port`, the login before the host, and what follows."""

    origin: str
    login: str
    rest: str


def without(uri: str) -> str:
    """Return an address without its login, which this process and its children remember for that host.

    A user's name alone stays where it is no secret, which it may be on the web.

    Raises:
        InvalidValue: The login holds a character that ends it too early.
    """
    if "@" not in uri or "://" not in uri:
        return uri
    parts = _parts(uri)
    if not parts.login:
        _check_whole(uri, parts)
        return uri
    if ":" not in parts.login and not parts.origin.startswith(("http://", "https://")):
        return uri
    known = _known()
    if known.get(parts.origin) != parts.login:
        settings.share(_SHARED, msgspec.json.encode({**known, parts.origin: parts.login}).decode())
    return parts.origin + parts.rest


def restored(uri: str) -> str:
    """Return an address with the login that is known for its host, for whoever opens it. Raises: InvalidValue."""
    known = _known()
    if not known or "://" not in uri:
        return uri
    parts = _parts(uri)
    login = known.get(parts.origin)
    if login is None or parts.login:
        return uri
    scheme, _, host = parts.origin.partition("://")
    return f"{scheme}://{login}@{host}{parts.rest}"


def _parts(uri: str) -> _Parts:
    scheme, _, rest = uri.partition("://")
    end = min((at for at in map(rest.find, _ENDS) if at >= 0), default=len(rest))
    login, _, host = rest[:end].rpartition("@")
    return _Parts(f"{scheme.lower()}://{host.lower()}", login, rest[end:])


def _check_whole(uri: str, parts: _Parts) -> None:
    """Refuse `http://ann:pass/word@host`, in which the password ends where the host would begin."""
    port = parts.origin.rpartition(":")[2]
    if "@" in parts.rest and not (port.isdecimal() or port.startswith("//") or port.endswith("]")):
        scheme, host = uri.partition("://")[0], uri.rpartition("@")[2]
        raise InvalidValue(
            f"the login before {host!r} holds a / or ? or #: write {scheme}://user:password@host with %2F, %3F or %23 "
            "in place of them"
        )


def _known() -> dict[str, str]:
    text = settings.shared(_SHARED)
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise InvalidValue("STENO_LOGINS is written by steno alone, and cannot be read: take it away") from error
