"""Who asks, and what they may: nobody's word counts but that of a token or of a user's password."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from pathlib import Path

from steno.errors import StenoError

from steno_server.options import Options
from steno_server.users import Users

JUDGES = 2
"""How many passwords are judged at a time: it takes a fraction of a second on purpose, and guesses wait in line."""

MOST_REMEMBERED = 1000


class Policy(IntEnum):
    """What a request needs to be allowed, and what someone who asks is allowed."""

    OPEN = 0
    """Nothing: what probes ask. Tells nothing of what is recorded."""
    READ = 1
    """To see what is recorded."""
    WRITE = 2
    """To record something, or change it."""


class Stranger(StenoError):
    """Nobody knows who asks."""

    code = "UNAUTHENTICATED"
    http_status = 401


class NotAllowed(StenoError):
    """Who asks may not do this, or nobody may."""

    code = "PERMISSION_DENIED"
    http_status = 403


class Access:
    """What each request is allowed. Used on the event loop.

    Attributes:
        challenge: The header `WWW-Authenticate`, which tells strangers how to say who they are.
        stranger: The error that tells them in words.
    """

    def __init__(self, options: Options) -> None:
        self._most = Policy.READ if options.read_only else Policy.WRITE
        self._token = options.token_hash if options.auth == "token" else b""
        self._users = Users(Path(options.users_file)) if options.auth == "basic" else None
        self._is_gated = bool(options.auth)
        self._judges = ThreadPoolExecutor(JUDGES, "steno-server-access")
        self._key = secrets.token_bytes(32)
        self._remembered: dict[bytes, Policy] = {}
        self.challenge = 'Basic realm="steno", charset="UTF-8"' if self._users else 'Bearer realm="steno"'
        self.stranger = Stranger(_HOW.get(options.auth, ""))

    async def of(self, headers: Iterable[tuple[bytes, bytes]]) -> Policy:
        """Return what is allowed to who asks; `Policy.OPEN` for a stranger."""
        if not self._is_gated:
            return self._most
        shown = [value for name, value in headers if name == b"authorization"]
        kind, _, said = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
        granted = Policy.OPEN
        if self._users is None:
            # A token has no structure to guess along; the hash makes the lengths equal.
            is_it = hmac.compare_digest(hashlib.sha256(said.strip()).digest(), self._token)
            granted = Policy.WRITE if is_it and kind.lower() == b"bearer" else Policy.OPEN
        elif kind.lower() == b"basic":
            granted = await self._of_user(self._users, said.strip())
        return min(granted, self._most)

    async def _of_user(self, users: Users, said: bytes) -> Policy:
        """What a user is allowed; a password that was right once is not judged again until the file changes."""
        if users.changed():
            self._remembered.clear()
        seen = hmac.digest(self._key, said, "sha256")
        granted = self._remembered.get(seen)
        if granted is not None:
            return granted
        try:
            name, found, password = base64.b64decode(said, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Policy.OPEN
        if not found:
            return Policy.OPEN
        known = users.known
        role = await asyncio.get_running_loop().run_in_executor(self._judges, users.role, name, password)
        if not role:
            return Policy.OPEN
        granted = Policy[role.upper()]
        if users.known is known:  # it did not change meanwhile
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[seen] = granted
        return granted


def permit(needed: Policy, granted: Policy, options: Options) -> None:
    """Let a request of someone known pass. Raises: NotAllowed."""
    if needed <= granted:
        return
    if options.read_only:
        raise NotAllowed("this server only shows what is recorded: it was started with --read-only")
    raise NotAllowed("this user may only read: `steno server-users add NAME --role write` changes that")


_HOW = {
    "token": "who asks? Send the server's token: set STENO_TRACKING_TOKEN, or MLFLOW_TRACKING_TOKEN",
    "basic": "who asks? Send a user's name and password: set STENO_TRACKING_USERNAME and STENO_TRACKING_PASSWORD, "
    "or MLflow's variables of these names",
}
