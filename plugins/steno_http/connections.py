"""Pools of connections: TLS and proxies as the settings and the environment say."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from steno import settings
from steno.errors import StoreError
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError, ProtocolError, ProxyError, SSLError

from steno_http.address import Address, hidden

_SETTINGS = ("tracking_insecure_tls", "tracking_server_cert_path", "tracking_client_cert_path")
_PER_HOST = 8


def pool(server: Address) -> urllib3.PoolManager:
    """Return new connections to a server, by way of the proxy that the environment names for it.

    Raises:
        StoreError: A certificate's file cannot be read, or the proxy is of another kind.
    """
    scheme = urlsplit(server.base).scheme
    more: dict[str, Any] = (
        {"maxsize": _PER_HOST, "ssl_context": _context()} if scheme == "https" else {"maxsize": _PER_HOST}
    )
    proxy = _proxy(scheme, urlsplit(server.base).netloc)
    if proxy:
        parts = urlsplit(proxy)
        if parts.username:
            who = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            more["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=who)
        found: urllib3.PoolManager = urllib3.ProxyManager(hidden(proxy), **more)
    else:
        found = urllib3.PoolManager(**more)
    if scheme == "https" and settings.load(only=_SETTINGS).tracking_insecure_tls:
        found.pool_classes_by_scheme = {**found.pool_classes_by_scheme, "https": _UncheckedPool}
    return found


def reason(error: BaseException) -> str:
    """Say in a few words why there was no answer."""
    inner = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
    if isinstance(inner, BaseException):
        return reason(inner)
    said = error.args[-1] if error.args and isinstance(error.args[-1], str) else str(error)
    words = said.rpartition("object at 0x")[2].partition(": ")[2] or said
    return f"{type(error).__name__}: {words}"[:300]


def is_untrusted(error: BaseException) -> bool:
    """Whether the server's certificate was not accepted, which waiting does not change."""
    return isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def wants_certificate(error: BaseException) -> bool:
    """Whether the server did not accept who asks by their certificate, or by their having none."""
    return isinstance(error, SSLError) and any(
        f"ALERT_{alert}" in str(error).upper() for alert in ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "HANDSHAKE_FAILURE")
    )


def is_refused(error: BaseException) -> bool:
    """Whether nobody listens there, which is found out at once; urllib3 calls that a timeout too."""
    inner = getattr(error, "original_error", error)  # as a proxy's
    return isinstance(inner, NewConnectionError) and isinstance(inner.__cause__, ConnectionRefusedError)


def is_stranger(error: BaseException) -> bool:
    """Whether a proxy asks for a login, before it lets anything through to the server."""
    return isinstance(error, ProxyError) and "407" in str(error.original_error)


def is_dropped(error: BaseException) -> bool:
    """Whether the connection ended before an answer began, as an idle one does that the server has given up."""
    return isinstance(error, ProtocolError) and bool(error.args) and "Connection aborted" in str(error.args[0])


def _proxy(scheme: str, host: str) -> str:
    """Return the proxy that the environment names for a host, "" for none."""
    if urllib.request.proxy_bypass(host):
        return ""
    named = urllib.request.getproxies()
    proxy = named.get(scheme) or named.get("all") or ""
    proxy = proxy if not proxy or "://" in proxy else f"http://{proxy}"
    if proxy and not proxy.startswith(("http://", "https://")):
        raise StoreError(
            f"{hidden(proxy)}, which the environment names, is no HTTP proxy: no_proxy={host} goes without"
        )
    return proxy


def _context() -> ssl.SSLContext:
    found = settings.load(only=_SETTINGS)
    authorities = found.tracking_server_cert_path
    try:
        if authorities and Path(authorities).is_dir():
            context = ssl.create_default_context(capath=authorities)
        else:
            context = ssl.create_default_context(cafile=authorities)
        if found.tracking_client_cert_path:
            context.load_cert_chain(found.tracking_client_cert_path)
    except (OSError, ssl.SSLError) as error:
        paths = [path for path in (authorities, found.tracking_client_cert_path) if path]
        raise StoreError(f"the certificates in {', '.join(paths)} cannot be read: {error}") from error
    if found.tracking_insecure_tls:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Unchecked(HTTPSConnection):
    """A connection whose certificate nobody looks at, as the user has chosen: urllib3 need not warn of each request."""

    @property
    def is_verified(self) -> bool:
        return True

    @is_verified.setter
    def is_verified(self, value: bool) -> None:
        """Leave it as it is."""


class _UncheckedPool(HTTPSConnectionPool):
    ConnectionCls = _Unchecked
