"""The databases that a store can be in, and what each has to say for itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import Enum
from typing import Protocol

from sqlalchemy import Connection, Engine
from steno.errors import StenoError


class Turn(Enum):
    """Which other writes a write lets go on at the same time, in a database that takes several."""

    ALONE = "none of those that are alone too, or beside others"
    BESIDE = "all but those that are alone; it locks what it changes"
    FREE = "all; it locks what it changes, and looks at nothing else"


class Backend(Protocol):
    """A kind of database, as far as it differs from the other.

    Attributes:
        uri: Its address, without a password.
        where: What messages call it; there is no password in it.
        artifacts: Where experiments keep artifacts unless they say otherwise, without a slash at the end.
        read_only: Whether it could only be read when it was connected to.
        errors: What its driver raises.
    """

    uri: str
    where: str
    artifacts: str
    read_only: bool
    errors: tuple[type[Exception], ...]

    def connect(self) -> Engine:
        """Return an engine, which opens connections on demand. Raises: StoreReadOnly, StoreUnavailable."""
        ...

    def prepare(self, connection: Connection) -> None:
        """See to what must be so before anything else is asked of a database. Raises: StoreError."""
        ...

    def opened(self) -> None:
        """Take note that the tables are there now."""
        ...

    def outdated(self) -> bool:
        """Whether what was opened is no longer what the address means."""
        ...

    def turn(self, *, write: bool) -> AbstractContextManager[object]:
        """Surround the use of a connection: here threads queue. Raises: StoreUnavailable, StoreReadOnly."""
        ...

    def begin(self, connection: Connection, turn: Turn | None) -> None:
        """Begin a transaction, waiting for others as long as the caller can; None reads one unchanging state."""
        ...

    def begin_change(self, connection: Connection, *, rebuild: bool) -> None:
        """Begin a transaction that makes tables, or may `rebuild` them, while no other process does."""
        ...

    def keep_copy(self, version: str) -> str:
        """Keep the database as it is before its tables change, where that is ours to do, and say so."""
        ...

    def compact(self, engine: Engine) -> None:
        """Give the space of removed rows back."""
        ...

    def error(self, error: BaseException | None) -> StenoError:
        """Return what an error of the driver means to a caller of the store."""
        ...

    def abandon(self, engine: Engine | None, *, interrupted: bool) -> None:
        """Let go of what a fork copied. Raises: StoreUnavailable where nothing else can be opened beside it."""
        ...
