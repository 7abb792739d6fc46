"""How long a call of a store may wait for others who use it: most callers can wait, an event loop cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_limit_s: ContextVar[float | None] = ContextVar("steno_patience", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Let calls of stores in the body wait no longer than that; those that would raise `StoreUnavailable` instead."""
    before = _limit_s.set(seconds)
    try:
        yield
    finally:
        _limit_s.reset(before)


def limit_s(usual_s: float) -> float:
    """Return how long the caller can wait, at most as long as the store usually lets one wait."""
    given = _limit_s.get()
    return usual_s if given is None else min(given, usual_s)
