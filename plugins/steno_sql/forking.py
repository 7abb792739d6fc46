"""Fork beside an open database: the fork waits a moment for calls under way, so that the child can begin anew.

SQLite keeps its locks in the memory of the process as well. A child that opens the file while a copied connection
still counts there would take no lock of its own; a connection that was busy at the fork can never be closed in it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

FORK_WAIT_S = 0.1
"""How long a fork waits for calls under way; they take milliseconds, and a training loop may be forking."""


class Calls:
    """Counts the calls that use a database, and holds new ones off while the process forks.

    Attributes:
        forked: This process is a child that has not begun anew yet.
        interrupted: A call of the parent was under way at the fork: its connection is lost to the child.
    """

    def __init__(self) -> None:
        self.forked = self.interrupted = False
        self._start()
        _everywhere.add(self)

    def _start(self) -> None:
        self._door = threading.RLock()
        self._idle = threading.Condition()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Surround each use of the database."""
        with self._door, self._idle:
            self._count += 1
        try:
            yield
        finally:
            with self._idle:
                self._count -= 1
                self._idle.notify_all()

    def before_fork(self) -> None:
        """Let calls under way finish, and no new one begin."""
        self._door.acquire()
        self._idle.acquire()
        self._idle.wait_for(lambda: self._count == 0, FORK_WAIT_S)

    def after_in_parent(self) -> None:
        """Go on."""
        self._idle.release()
        self._door.release()

    def after_in_child(self) -> None:
        """Forget the parent's threads."""
        self.forked, self.interrupted = True, self.interrupted or self._count > 0
        self._start()


_everywhere: weakref.WeakSet[Calls] = weakref.WeakSet()
_held: list[Calls] = []


def _before() -> None:
    _held[:] = _everywhere
    for calls in _held:
        calls.before_fork()


def _after_in_parent() -> None:
    while _held:
        _held.pop().after_in_parent()


def _after_in_child() -> None:
    while _held:
        _held.pop().after_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
