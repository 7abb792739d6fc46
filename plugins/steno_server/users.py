"""The users of a server: a file of names, roles and salted hashes of passwords, which no password can be read from."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct
from steno.errors import InvalidValue, NotFound

ROLES = ("read", "write")
PASSWORD_LENGTH = 8
NAME_LENGTH = 100
FILE = "server-users.json"

_SALT_BYTES = 16
_HASH_BYTES = 32


class User(Struct, frozen=True):
    """One user.

    Attributes:
        role: "read" or "write".
        salt, hash: Hexadecimal; scrypt's.
        n, r, p: What computing the hash costs. Source of the defaults: OWASP's password storage cheat sheet, 16 MiB.
    """

    role: str
    salt: str
    hash: str
    n: int = 2**14
    r: int = 8
    p: int = 5


_NOBODY = User("", "00" * _SALT_BYTES, "00" * _HASH_BYTES)


class Users:
    """The users in a file; a change of the file counts from the next request on.

    Attributes:
        known: By name; replaced as a whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self.known: dict[str, User] = {}
        self.changed()

    def changed(self) -> bool:
        """Read the file if it is another than the one read last; a file that is gone or damaged has no users."""
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            seen = None
        if seen == self._seen and seen is not None:
            return False
        before, self._seen = self.known, seen
        try:
            self.known = read(self.path)
        except InvalidValue:
            self.known = {}
        return self.known != before

    def role(self, name: str, password: str) -> str:
        """Return a user's role, "" if that is no user or not the password. Takes as long for any name."""
        user = self.known.get(name, _NOBODY)
        is_it = hmac.compare_digest(_hash(password, user), bytes.fromhex(user.hash))
        return user.role if is_it and user is not _NOBODY else ""


def read(path: Path) -> dict[str, User]:
    """Return the users in a file, none if it is not there. Raises: InvalidValue if it is no such file."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, User])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValue(f"{path} cannot be read as a file of users: {error}") from error
    for name, user in found.items():
        if user.role not in ROLES or not _is_hash(user):
            raise InvalidValue(f"{path}: the user {name!r} is damaged; remove and add it again")
    return found


def add(path: Path, name: str, password: str, role: str) -> None:
    """Add a user, or give one a new password and role. Raises: InvalidValue."""
    if not name or len(name) > NAME_LENGTH or ":" in name or not name.isprintable():
        raise InvalidValue(f"a user's name has 1 to {NAME_LENGTH} characters, none of them a colon")
    if len(password) < PASSWORD_LENGTH:
        raise InvalidValue(f"a password has at least {PASSWORD_LENGTH} characters")
    fresh = User(role, secrets.token_hex(_SALT_BYTES), "")
    made = msgspec.structs.replace(fresh, hash=_hash(password, fresh).hex())
    _write(path, {**read(path), name: made})


def remove(path: Path, name: str) -> None:
    """Remove a user. Raises: NotFound, InvalidValue."""
    known = read(path)
    if known.pop(name, None) is None:
        raise NotFound(f"{path} has no user {name!r}; known: {', '.join(known) or 'none'}")
    _write(path, known)


def write_secret(path: Path, content: bytes) -> None:
    """Write a file whole, for the eyes of its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _write(path: Path, users: dict[str, User]) -> None:
    write_secret(path, msgspec.json.format(msgspec.json.encode(users)) + b"\n")


def _hash(password: str, user: User) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogateescape"),
        salt=bytes.fromhex(user.salt),
        n=user.n,
        r=user.r,
        p=user.p,
        maxmem=256 * user.n * user.r,
        dklen=_HASH_BYTES,
    )


def _is_hash(user: User) -> bool:
    try:
        whole = len(bytes.fromhex(user.hash)) == _HASH_BYTES and bool(bytes.fromhex(user.salt))
    except ValueError:
        return False
    return whole and 2 <= user.n <= 2**20 and user.n.bit_count() == 1 and 1 <= user.r <= 32 and 1 <= user.p <= 32
