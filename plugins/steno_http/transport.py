"""Requests to one server, each within limits of time, and what can go wrong told apart: for now, or for good."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import IO, NamedTuple
from urllib.parse import urlencode

import urllib3
from steno import settings
from steno.errors import InvalidValue, StenoError, StoreError, StoreReadOnly, StoreUnavailable
from steno.wire.failures import error_of
from urllib3.exceptions import HTTPError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from steno_http import connections, credentials
from steno_http.address import Address

logger = logging.getLogger("steno.http")

CONNECT_S = 5.0
PAUSE_S = 5.0
"""How long nobody knocks again at a server that let someone wait."""
LONGEST_PAUSE_S = 300.0
PROXY_LOGIN = "write its address as http://user:password@proxy:3128 into http_proxy and https_proxy"
_BLOCK_BYTES = 1 << 16
_LATER = frozenset({408, 425, 429, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_BROKEN = (HTTPError, OSError)

Query = Iterable[tuple[str, str]]


class Answer(NamedTuple):
    """A success: the kind of its content, and the content unless it was written to a file."""

    content_type: str
    content: bytes


class Transport:
    """Thread-safe, and safe in a forked child, which connects anew.

    Args:
        server: Who is asked.
    """

    def __init__(self, server: Address) -> None:
        self.server = server
        self.is_chosen = False  # by the user, for runs or models: it may be shown the settings' credentials
        self._pool: urllib3.PoolManager | None = None
        self._pid = 0
        self._shut_until, self._shut_because = 0.0, ""
        self._refused_without_keyring: str | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        into: IO[bytes] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Ask once, and once more where a `repeatable` request met a connection that the server had given up.

        Args:
            path: Below the server's address, quoted.
            into: Where the content of a success goes, if not into the answer.

        Raises:
            StoreUnavailable: No answer, or none that counts: the same request may succeed later.
            StenoError: What the server refused, as its code says.
        """
        if time.monotonic() < self._shut_until:
            raise StoreUnavailable(self._shut_because)
        url = self.server.base + path + ("?" + urlencode(list(query)) if query else "")
        try:
            return self._send(method, url, body, headers or {}, into)
        except _Dropped as error:
            if not repeatable:
                raise
            logger.debug("%s, and is asked again", error)
            return self._send(method, url, body, headers or {}, into)

    def close(self) -> None:
        """Give up the connections; they are made again on need."""
        pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.clear()

    def _send(
        self, method: str, url: str, body: bytes | IO[bytes] | None, headers: Mapping[str, str], into: IO[bytes] | None
    ) -> Answer:
        keyring = self._refused_without_keyring
        known = keyring or credentials.authorization(self.server, is_chosen=self.is_chosen)
        shown = {"Authorization": known, **headers} if known else dict(headers)
        limit_s = settings.load(only=("http_timeout_s",)).http_timeout_s
        deadline = time.monotonic() + 10 * limit_s  # a file may take long, a trickle may not go on for ever
        try:
            response = self._connections().request(
                method,
                url,
                body=body,
                headers={"User-Agent": "steno", "Accept-Encoding": "gzip", **shown},
                timeout=urllib3.Timeout(connect=min(CONNECT_S, limit_s), read=limit_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = _content(response, into if response.status == 200 else None, deadline)
            finally:
                response.release_conn() if response.length_remaining == 0 else response.close()
        except _BROKEN as error:
            raise self._broken(error) from error
        if response.status == 401 and not known and self._ask_keyring() and not hasattr(body, "read"):
            return self._send(method, url, body, headers, into)
        if response.status == 401 and keyring:
            self._refused_without_keyring = None  # it may have another password by now
        if response.status not in (200, 201, 204):
            raise self._refused(method, url, response.status, response.headers, content)
        return Answer(response.headers.get("Content-Type", ""), content)

    def _connections(self) -> urllib3.PoolManager:
        pool = self._pool
        # Without a lock, which a fork could leave shut: two threads at once make one pool too many, no more.
        if pool is None or self._pid != os.getpid():  # a forked child shares no connection with its parent
            pool = self._pool = connections.pool(self.server)
            self._pid = os.getpid()
        return pool

    def _ask_keyring(self) -> bool:
        if self._refused_without_keyring is None:
            self._refused_without_keyring = credentials.from_keyring(self.server) if self.is_chosen else ""
        return bool(self._refused_without_keyring)

    def _broken(self, error: Exception) -> StenoError:
        """Return what a failure to get an answer means."""
        reason = connections.reason(error)
        if connections.is_untrusted(error):
            return StoreError(
                f"{self.server.base} shows a certificate that is not trusted ({reason}): "
                "STENO_TRACKING_SERVER_CERT_PATH names who may vouch for it, STENO_TRACKING_INSECURE_TLS=true nobody"
            )
        if connections.wants_certificate(error):
            return StoreError(
                f"{self.server.base} wants a certificate of who asks, or another one ({reason}): "
                "STENO_TRACKING_CLIENT_CERT_PATH names a file with one and its key"
            )
        if connections.is_stranger(error):
            return StoreError(f"the proxy before {self.server.base} wants to know who asks ({reason}): {PROXY_LOGIN}")
        if isinstance(error, SSLError) and "WRONG_VERSION_NUMBER" in str(error):
            return StoreError(f"{self.server.base} does not speak TLS: write http:// instead of https://")
        said = f"{self.server.base} does not answer: {reason}"
        if reason.startswith("SSLEOFError"):
            said += "; if it wants a certificate of who asks, STENO_TRACKING_CLIENT_CERT_PATH names one"
        if isinstance(error, TimedOut) and not connections.is_refused(error):
            self._shut(PAUSE_S, said)
            return StoreUnavailable(said)
        return _Dropped(said) if connections.is_dropped(error) else StoreUnavailable(said)

    def _refused(self, method: str, url: str, status: int, headers: Mapping[str, str], content: bytes) -> StenoError:
        """Return the error that an answer means."""
        what, base = f"{method} {url.partition('?')[0]}", self.server.base
        if status in _LATER:
            wait_s = _seconds(headers.get("Retry-After", ""))
            error = error_of(status, content, what)
            if wait_s:
                self._shut(wait_s, f"{base} asked to be left alone for {wait_s:.0f} s ({status})")
            return StoreUnavailable(error.args[0])
        if status in _MOVED:
            return StoreError(
                f"{base} sends elsewhere, to {headers.get('Location', '?')!r}: use that address if it is it"
            )
        if status == 407:
            return StoreError(f"the proxy before {base} wants to know who asks (407): {PROXY_LOGIN}")
        if status == 401:
            return StoreError(
                f"{base} wants to know who asks (401): set STENO_TRACKING_TOKEN, or STENO_TRACKING_USERNAME and "
                "STENO_TRACKING_PASSWORD, or write a line into ~/.netrc"
            )
        if status == 403:
            return StoreReadOnly(f"{base} does not allow it (403): {what}: {_plain(content)}")
        if status == 404 and b"error_code" not in content:
            return NoSuchAddress(
                f"{base} has no {url.removeprefix(base)}: is it the address of an MLflow or steno server?"
            )
        if status == 400 and b"error_code" not in content:
            return InvalidValue(f"{base} refused {what} (400): {_plain(content)}")
        return error_of(status, content, what)

    def _shut(self, wait_s: float, because: str) -> None:
        self._shut_because = because
        self._shut_until = time.monotonic() + wait_s


class NoSuchAddress(StoreError):
    """The server knows no such path, and does not say so in MLflow's words."""


class _Dropped(StoreUnavailable):
    """The connection was closed before an answer began."""


def _content(response: urllib3.BaseHTTPResponse, into: IO[bytes] | None, deadline: float) -> bytes:
    """Read to the end, which must come before the deadline."""
    parts = []
    while block := response.read1(_BLOCK_BYTES, decode_content=True):
        if time.monotonic() > deadline:
            raise HTTPError("the answer came too slowly")
        if into is None:
            parts.append(block)
        else:
            into.write(block)
    return b"".join(parts)


def _seconds(retry_after: str) -> float:
    """Read a Retry-After: seconds, or a date. 0 for what is neither."""
    try:
        found = float(retry_after)
    except ValueError:
        try:
            found = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(max(found, 0.0), LONGEST_PAUSE_S)


def _plain(content: bytes) -> str:
    return " ".join(content[:200].decode("utf-8", "replace").split())
