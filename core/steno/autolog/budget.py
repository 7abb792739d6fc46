"""The time that optional work may take round a watched call, and what such work usually costs."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from steno.autolog.call import WatchedCall

T = TypeVar("T")

_usual_ms: dict[tuple[str, str], float] = {}
_DECAY = 0.9


class CallBudget:
    """The budget of one call: `overhead_percent` of its length, at least `overhead_floor_ms`.

    All advice counts as spent, but only optional work is refused. The usual time of each kind of work is
    learned per integration and process.
    """

    __slots__ = ("_call", "_floor_ms", "_percent")

    def __init__(self, call: WatchedCall) -> None:
        chosen = call.row.watcher.settings
        self._call = call
        self._percent = chosen.overhead_percent
        self._floor_ms = chosen.overhead_floor_ms

    def remaining_ms(self) -> float:
        """What is left now; may be negative. Before the yield the length of the call is unknown."""
        call = self._call
        allowed_ms = max(self._floor_ms, call.seconds * 10.0 * self._percent)
        return allowed_ms - call.overhead_now() * 1000.0

    def allows(self, work: str, estimate_ms: float | None = None) -> bool:
        """Whether `work` fits; without an estimate its usual time counts, and work never seen may try once.

        Work that is refused grows cheaper in memory, so that one slow occasion does not ban it for good.
        """
        key = (self._call.row.watcher.name, work)
        needed_ms = _usual_ms.get(key, 0.0) if estimate_ms is None else estimate_ms
        fits = needed_ms < self.remaining_ms()
        if not fits and estimate_ms is None and key in _usual_ms:
            _usual_ms[key] *= _DECAY
        return fits

    def spend(self, work: str, function: Callable[[], T]) -> T | None:
        """Do optional work if it fits, learn its time, and return its result; None when it was skipped."""
        if not self.allows(work):
            return None
        began = perf_counter()
        try:
            return function()
        finally:
            took_ms = (perf_counter() - began) * 1000.0
            key = (self._call.row.watcher.name, work)
            before = _usual_ms.get(key)
            _usual_ms[key] = took_ms if before is None else (before + took_ms) / 2
