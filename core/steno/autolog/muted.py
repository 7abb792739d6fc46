"""Standard output and error that take nothing from one thread or task, and everything from all others."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_muted: ContextVar[bool] = ContextVar("steno_muted", default=False)
_lock = threading.Lock()  # held for a few instructions only, and never while anything is written
# Stand-ins live as long as their streams. Whoever found one in `sys` may hold it as C code holds what lives as long as
# the process, without counting: CatBoost does, and so does Python's own `print` in another thread for as long as it
# takes. Freed under them, it was whatever object had taken its place in memory.
_kept: list[_Stream] = []
_OWN_REFERENCES = 2  # to a stream that nobody but its stand-in knows: the stand-in's, and the one to count by


class _Stream:
    """Stands for a stream while anyone is muted; where somebody keeps it for longer, it passes everything on.

    Attributes:
        users: How many scopes stand in for the stream by it.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.users = 0

    def write(self, text: str) -> int:
        """Write, or be silent and say that it was written."""
        return len(text) if _muted.get() else self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines, or be silent."""
        if not _muted.get():
            self._stream.writelines(lines)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def muted() -> Iterator[None]:
    """Let nothing be seen of what this thread or task prints: a model may speak whenever it is asked."""
    before = _muted.set(True)
    streams = [(name, _stand_in(name)) for name in ("stdout", "stderr") if getattr(sys, name) is not None]
    try:
        yield
    finally:
        _muted.reset(before)
        for name, stream in streams:
            _step_aside(name, stream)


def _stand_in(name: str) -> _Stream:
    with _lock:
        stream = getattr(sys, name)
        if not isinstance(stream, _Stream):
            stream = _of(stream)
            setattr(sys, name, stream)
        stream.users += 1
    return stream


def _of(stream: Any) -> _Stream:
    """Return the stand-in of a stream, and forget those of streams that are no more."""
    for each in _kept:
        if each._stream is stream:
            return each
    _kept[:] = [each for each in _kept if each.users or sys.getrefcount(each._stream) > _OWN_REFERENCES]
    _kept.append(_Stream(stream))
    return _kept[-1]


def _step_aside(name: str, stream: _Stream) -> None:
    with _lock:
        stream.users -= 1
        # Somebody else may have put a stream in place meanwhile, which then stays.
        if not stream.users and getattr(sys, name) is stream:
            setattr(sys, name, stream._stream)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent's may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
