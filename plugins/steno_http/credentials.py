"""Who asks: credentials from the settings, the address, netrc or the keyring, in this order."""

from __future__ import annotations

import base64
import logging
import netrc
from functools import cache
from pathlib import Path

from steno import settings
from steno.tracking import places

from steno_http import address
from steno_http.address import Address

logger = logging.getLogger("steno.http")

_NAMES = ("tracking_username", "tracking_password", "tracking_token")


def authorization(server: Address, *, is_chosen: bool) -> str:
    """Return the header's value, "" where nothing is known.

    Args:
        server: Who is asked.
        is_chosen: Whether the user chose this server for runs or models. Only then it is shown what the settings hold:
            an artifact location is told by a server, and may lead anywhere.
    """
    if is_chosen or server.base in _chosen():
        found = settings.load(only=_NAMES)
        if found.tracking_token:
            return f"Bearer {found.tracking_token}"
        if found.tracking_username:
            return _basic(found.tracking_username, found.tracking_password or "")
    if server.username:
        return _basic(server.username, server.password)
    known = _in_netrc(server.host)
    return _basic(*known) if known else ""


def from_keyring(server: Address) -> str:
    """Return the header's value for what the system's keyring knows of a server, "" if that is nothing.

    Asked only after a server refused: a keyring may want to be unlocked.
    """
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return ""
    try:
        found = keyring.get_credential(server.base, None)
    except (keyring.errors.KeyringError, RuntimeError) as error:
        logger.info("the keyring could not be read: %s", error)
        return ""
    return _basic(found.username, found.password) if found else ""


def _chosen() -> set[str]:
    """The servers that the user named for runs and models."""
    uris = (places.get_tracking_uri(), places.get_registry_uri())
    return {address.parse(uri).base for uri in uris if uri.startswith(("http://", "https://"))}


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


@cache
def _in_netrc(host: str) -> tuple[str, str] | None:
    try:
        found = netrc.netrc(Path("~/.netrc").expanduser()).authenticators(host)
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError, RuntimeError) as error:
        logger.warning("~/.netrc could not be read, and is left out: %s", error)
        return None
    return (found[0] or found[1] or "", found[2] or "") if found else None
