"""Where a server is, and where it says that artifacts are."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from steno.errors import InvalidValue
from steno.wire.calls import API, PROXIED

PROXY = API + PROXIED
_SCHEME = "mlflow-artifacts:"


class Address(NamedTuple):
    """A server: `base` is its address without a trailing slash and without credentials, which stand apart."""

    base: str
    username: str = ""
    password: str = ""

    @property
    def host(self) -> str:
        """Its host's name."""
        return urlsplit(self.base).hostname or ""


def parse(uri: str) -> Address:
    """Read the address of a server. Raises: InvalidValue for what is none."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        # More is hidden than has to be: where a password ends is not known in what cannot be read.
        shown = uri.partition("://")[0] + "://..." + uri.rpartition("@")[2] if "@" in uri else uri
        raise InvalidValue(f"{shown!r} is no address of a server: write http://host:5000")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    base = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"
    return Address(base, unquote(parts.username or ""), unquote(parts.password or ""))


def hidden(uri: str) -> str:
    """Return a URI without the credentials in it, to be shown."""
    scheme, separator, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def seen_from_here(base: str, location: str) -> str:
    """Return an artifact location with its server in it: `mlflow-artifacts:/x` says only "on this one"."""
    if location.startswith(_SCHEME) and not location.startswith(_SCHEME + "//"):
        return f"{base}{PROXY}/{location.removeprefix(_SCHEME).lstrip('/')}"
    return location


def seen_from_there(base: str, location: str) -> str:
    """Undo `seen_from_here`, for what is told to the server itself."""
    return (
        _SCHEME + "/" + location.removeprefix(f"{base}{PROXY}/") if location.startswith(f"{base}{PROXY}/") else location
    )


def proxy_of(uri: str, tracking_uri: str) -> str:
    """Return the http address of an `mlflow-artifacts:` one.

    Args:
        uri: `mlflow-artifacts:/path`, on the server of runs, or `mlflow-artifacts://host:port/path`.
        tracking_uri: The server of runs, which also says whether it is http or https.

    Raises:
        InvalidValue: The server of runs is needed, and there is none.
    """
    there = parse(tracking_uri).base if tracking_uri.startswith(("http://", "https://")) else ""
    if not uri.startswith(_SCHEME + "//"):
        if not there:
            raise InvalidValue(f"{uri!r} lies on a tracking server: set_tracking_uri('http://...') says on which")
        return seen_from_here(there, uri)
    host, _, path = uri.removeprefix(_SCHEME + "//").partition("/")
    scheme = there.partition("://")[0] or "http"
    return f"{scheme}://{host}{PROXY}/{path}"
