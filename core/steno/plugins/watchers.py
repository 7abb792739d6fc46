"""Batches on their way to observers: each plugin sees them in order, on a thread of its own, behind a bounded queue."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from steno.records import Batch

logger = logging.getLogger("steno.plugins")

LIMIT_BYTES = 64 << 20
PATIENCE_S = 5.0
"""How long a full queue holds up who fills it, and how long one batch may take before its plugin counts as stuck."""
_LOOK_S = 0.2

_POINT_BYTES = 24
_BATCH_BYTES = 1024


class Watcher:
    """Shows one plugin what was written; its thread starts with the first batch.

    A plugin that is slow is waited for, one that is stuck is not: what finds no room then is dropped, said once.
    A forked child begins with an empty queue, since what lies in the parent's is the parent's to show.

    Args:
        plugin: Its name, for messages.
    """

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin
        self._warned = False
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition(threading.RLock())  # a signal handler may read a run, and so flush
        self._queue: deque[tuple[int, Callable[[], None]]] = deque()
        self._held_bytes = 0
        self._busy_since = 0.0  # 0.0: not busy
        self._thread: threading.Thread | None = None

    def put(self, show: Callable[[], None], size_bytes: int) -> bool:
        """Let `show` be called later; False where there is no room and none came in time.

        Raises:
            RuntimeError: The thread cannot be started.
        """
        if self._pid != os.getpid():
            self._reset()
        with self._changed:
            if not self._has_room(size_bytes) and not self._stuck():
                self._changed.wait_for(lambda: self._has_room(size_bytes) or self._stuck(), PATIENCE_S)
            if not self._has_room(size_bytes):
                self._say_dropped()
                return False
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"steno-observer-{self._plugin}", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.append((size_bytes, show))
            self._held_bytes += size_bytes
            self._changed.notify_all()
        return True

    def settle(self, deadline: float) -> bool:
        """Wait until everything has been shown, or the plugin is stuck, or `time.monotonic()` is `deadline`.

        Returns False if something has not been shown.
        """
        if self._pid != os.getpid():
            return True
        with self._changed:
            while self._held_bytes and not self._stuck() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, _LOOK_S))
            return not self._held_bytes

    def _stuck(self) -> bool:
        return bool(self._busy_since) and time.monotonic() - self._busy_since > PATIENCE_S

    def _has_room(self, size_bytes: int) -> bool:
        # A batch larger than the limit passes alone.
        return not self._held_bytes or self._held_bytes + size_bytes <= LIMIT_BYTES

    def _say_dropped(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "plugin %r does not keep up with what is recorded: it is not shown everything, the store has it all "
                "(said once)",
                self._plugin,
            )

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                size_bytes, show = self._queue.popleft()
                self._busy_since = time.monotonic()
            try:
                show()
            except BaseException as error:  # policy of observers: not even SystemExit ends the thread
                logger.warning("plugin %r raised in its thread: %r", self._plugin, error)
            del show  # the batch may go, also while nothing follows it
            with self._changed:
                self._held_bytes -= size_bytes
                self._busy_since = 0.0
                self._changed.notify_all()


def size_of(batch: Batch) -> int:
    """About how much memory a batch holds."""
    points = sum(len(series) for series in batch.series.values())
    texts = sum(len(key) + len(value) for found in (batch.params, batch.tags) for key, value in found.items())
    return _BATCH_BYTES + _POINT_BYTES * points + texts + sum(size_of(child) for _, child in batch.children)
