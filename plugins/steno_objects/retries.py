"""Trying again: what failed for a moment is repeated with growing pauses, for as long as the caller can wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from steno.contracts import patience
from steno.errors import StoreUnavailable

T = TypeVar("T")

USUAL_S = 30.0
"""How long a store that is away is asked again, where the caller does not say how long it can wait."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 4.0


class GoneMeanwhile(StoreUnavailable):
    """What was begun is no longer there: the same request again would not help, to begin anew may."""


class Patience:
    """How long one call may go on without anything coming of it; `renewed` whenever something did."""

    def __init__(self) -> None:
        self._until, self._pause_s = 0.0, _FIRST_PAUSE_S
        self._limit_s = patience.limit_s(USUAL_S)
        self._is_limited = self._limit_s < USUAL_S
        self.renewed()

    def renewed(self) -> None:
        """Begin to wait anew, if it is for the store that we wait: a caller's limit is for the call as a whole."""
        if not self._until or not self._is_limited:
            self._until, self._pause_s = time.monotonic() + self._limit_s, _FIRST_PAUSE_S

    @property
    def left_s(self) -> float | None:
        """How many seconds one try may take; None where each step of it has a limit of its own, and that is enough."""
        return max(self._until - time.monotonic(), 0.01) if self._is_limited else None

    def pause(self) -> bool:
        """Wait before the next try; False at once if there is no time for one."""
        pause_s = self._pause_s * random_share()
        if time.monotonic() + pause_s >= self._until:
            return False
        time.sleep(pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return True


_own_random = random.Random()
"""A generator of its own: the user's must not be moved on."""


def random_share() -> float:
    """Return between a half and a whole: many who were turned away together do not come back together."""
    return _own_random.uniform(0.5, 1.0)


def again(call: Callable[[float | None], T], waiting: Patience | None = None) -> T:
    """Return what a call returns, made again while it raises StoreUnavailable and there is time.

    Args:
        call: Takes the seconds that are left for it, None for as long as it goes on.
        waiting: How long; by default as long as the caller can.

    Raises:
        StoreUnavailable: There was no more time; the last one's.
        GoneMeanwhile: At once.
    """
    waiting = waiting or Patience()
    while True:
        try:
            return call(waiting.left_s)
        except GoneMeanwhile:
            raise
        except StoreUnavailable:
            if not waiting.pause():
                raise
