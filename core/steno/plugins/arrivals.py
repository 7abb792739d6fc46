"""Imports plugins one after the other, and lets nobody wait for one that hangs."""

from __future__ import annotations

import sys
import threading
import time
from _imp import lock_held
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

from steno.plugins.blame import is_its_own
from steno.plugins.discovery import Point

ONE_S = 0.5
"""How long one import may hold up those behind it."""
ALL_S = 1.5
"""How long all imports together may hold up who first needs plugins."""

Arrive = Callable[[Point, Any, BaseException | None], None]


class Arrivals:
    """Imports on a thread of its own, since an import cannot be ended from outside.

    One that takes over `ONE_S` is overtaken: a new thread goes on with those behind it, and the plugin arrives when
    its import ends, if ever. In between nothing is held but the import lock of the plugin's own modules.

    Args:
        points: What to import, in this order.
        arrive: Told of each, on the thread that imported it: the plugin, or the error that came instead.
    """

    def __init__(self, points: Iterable[Point], arrive: Arrive) -> None:
        self.began = time.monotonic()
        self._arrive = arrive
        self._points = deque(points)
        self._importing: dict[str, float] = {}
        self._changed = threading.Condition(threading.Lock())
        self._worker: threading.Thread | None = None
        self._current: str | None = None
        self._threads: set[int] = set()

    def run(self) -> None:
        """Import all; returns when that is done, or after `ALL_S`."""
        while self._points and self._points[0].ships_here:
            # Light modules, needed by all: where these take long, the machine is busy and nothing hangs.
            self._import(self._points.popleft())
        if not self._points:
            return
        self.began = time.monotonic()
        if _is_within_a_finder() or any(_is_being_imported(point) for point in self._points):
            # Another thread would wait for this one, which is in the middle of an import that the plugin is part of,
            # or asks from within a finder, where CPython lets no other thread import.
            self._work_here()
            return
        with self._changed:
            self._start()
        try:
            self._attend(self.began + ALL_S)
        finally:
            self._leave()

    def _leave(self) -> None:
        if not self._points:
            return
        try:
            if self._worker is not None:
                threading.Thread(target=self._attend, name="steno-plugins-late", daemon=True).start()
                return
        except RuntimeError:  # no thread can be started: the process has too many, or is about to end
            pass
        self._work_here()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is being imported, but no longer than `timeout_s` after the beginning.

        Returns whether anything was. Who asks from within an import does not wait for what may wait for it.
        """
        if not self._pending() or self.is_at_work() or _is_within_a_finder():
            return False
        with self._changed:
            self._changed.wait_for(lambda: not self._pending(), max(0.0, self.began + timeout_s - time.monotonic()))
        return True

    def is_at_work(self) -> bool:
        """Whether this thread imports plugins: who asks is one of them, and must not wait for itself."""
        return threading.get_ident() in self._threads

    def late(self) -> dict[str, float]:
        """For how many seconds each plugin has been importing that is not there yet."""
        now = time.monotonic()
        with self._changed:
            return {name: now - began for name, began in self._importing.items()}

    def forget(self) -> None:
        """In a forked child: the threads are gone, and what they were importing never comes."""
        self._changed = threading.Condition(threading.Lock())
        self._points.clear()
        self._importing.clear()

    def _pending(self) -> bool:
        return bool(self._points or self._importing)

    def _start(self) -> None:
        self._current, self._worker = None, threading.Thread(target=self._work, name="steno-plugins", daemon=True)
        try:
            self._worker.start()
        except RuntimeError:
            self._worker = None

    def _attend(self, until: float = float("inf")) -> None:
        """Put a new worker in the place of one that is stuck, until all is done."""
        with self._changed:
            while self._worker is not None and (now := time.monotonic()) < until:
                due = self._importing.get(self._current or "", now) + ONE_S
                if due <= now:
                    self._overtake()
                else:
                    self._changed.wait(min(due, until, now + ONE_S) - now)

    def _overtake(self) -> None:
        if self._points:
            self._start()
        else:
            self._worker = None

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._worker is not me:
                    return
                if not self._points:
                    self._worker = None
                    self._changed.notify_all()
                    return
                point = self._points.popleft()
                self._current = point.name
                self._importing[point.name] = time.monotonic()
            self._import(point)
            with self._changed:
                self._importing.pop(point.name, None)
                if self._worker is not me:
                    self._changed.notify_all()

    def _work_here(self) -> None:
        while self._points:
            self._import(self._points.popleft())

    def _import(self, point: Point) -> None:
        plugin, error = None, None
        self._threads.add(threading.get_ident())
        try:
            plugin = point.load()
        except BaseException as raised:  # plugin loading: whatever a stranger's module raises
            if threading.current_thread() is threading.main_thread() and not is_its_own(raised):
                raise  # signals come to the main thread alone
            error = raised
        finally:
            self._threads.discard(threading.get_ident())
        self._arrive(point, plugin, error)


def _is_within_a_finder() -> bool:
    if not lock_held():
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "_find_spec" and "importlib._bootstrap" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _is_being_imported(point: Point) -> bool:
    """Whether this thread is in the middle of importing the plugin, or a package it lies in."""
    module = point.value.partition(":")[0].strip()
    names = {module, *(module[:end] for end, sign in enumerate(module) if sign == ".")}
    specs = (getattr(sys.modules.get(name), "__spec__", None) for name in names)
    return any(getattr(spec, "_initializing", False) for spec in specs) and not names.isdisjoint(_imported_here())


def _imported_here() -> Iterator[str]:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            yield str(frame.f_globals.get("__name__"))
        frame = frame.f_back
