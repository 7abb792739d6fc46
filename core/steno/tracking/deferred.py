"""Work for a run that takes too long beside a training, done by a thread of its own once trainings pause."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

logger = logging.getLogger("steno.tracking")

Work = Callable[["ActiveRun"], None]
PAUSE_S = 0.1
LONGEST_WAIT_S = 30.0
EAGER_BYTES = 256 << 20
EAGER_ITEMS = 50
MOST_BYTES = 1 << 30
MOST_ITEMS = 1000


class _Item(Struct, eq=False):
    run: ActiveRun
    work: Work
    size_bytes: int
    due: float


class DeferredWork:
    """A queue and its thread, which starts with the first work.

    The interpreter runs one thread at a time: work beside a training would slow it by as long as it takes. So it
    waits for a moment without one, but not for ever, not while much is waiting, and not when someone wants to read
    the result.

    `submit` may be called anywhere, also by finalizers and signal handlers: `queue.SimpleQueue` is made for that.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: in a forked child there is no thread, and the work is the parent's."""
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._undone: dict[int, _Item] = {}
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._trainings = 0
        self._paused_at = 0.0
        self._wanted = threading.Event()

    @contextmanager
    def training(self) -> Iterator[None]:
        """Let work wait while the body runs."""
        self._trainings += 1
        try:
            yield
        finally:
            # Zero at least: a fork may have come between. A count lost to a race delays work, no more.
            self._trainings = max(0, self._trainings - 1)
            self._paused_at = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether a training goes on."""
        return self._trainings > 0

    def submit(self, run: ActiveRun, work: Work, size_bytes: int = 0) -> bool:
        """Do `work` later, with a handle on the run that also serves when the run has ended.

        Returns False where too much is waiting: trainings are not held up, and memory has an end.

        Args:
            run: Whose.
            work: Called with the handle, on the other thread.
            size_bytes: The memory it holds until then.
        """
        count, held_bytes = self._waiting()
        if count >= MOST_ITEMS or held_bytes + size_bytes > MOST_BYTES:
            return False
        item = _Item(run, work, size_bytes, time.monotonic() + LONGEST_WAIT_S)
        self._undone[id(item)] = item
        self._queue.put(item)
        if self._thread is None and self._starting.acquire(blocking=False):
            try:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="steno-deferred", daemon=True)
                    self._thread.start()
            finally:
                self._starting.release()
        return True

    def wait(self, run_id: str | None = None, timeout_s: float = 30.0) -> bool:
        """Have the work of a run (or all) done now; False if a piece of it took longer than `timeout_s`."""
        if threading.current_thread() is self._thread:
            return True
        deadline, undone = 0.0, -1
        while any(run_id in (None, item.run.run_id) for item in list(self._undone.values())):
            now = time.monotonic()
            if undone != len(self._undone):  # it goes on
                deadline, undone = now + timeout_s, len(self._undone)
            if now > deadline:
                return False
            self._wanted.set()
            time.sleep(0.001)
        return True

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            while not self._is_time(item) and not self._wanted.wait(PAUSE_S / 2):
                pass
            self._do(item)
            self._undone.pop(id(item), None)
            del item
            if not self._undone:
                self._wanted.clear()

    def _is_time(self, item: _Item) -> bool:
        now = time.monotonic()
        pause = not self._trainings and now - self._paused_at >= PAUSE_S
        count, held_bytes = self._waiting()
        return pause or now >= item.due or count > EAGER_ITEMS or held_bytes > EAGER_BYTES

    def _waiting(self) -> tuple[int, int]:
        """How many are waiting, and the memory they hold."""
        items = list(self._undone.values())
        return len(items), sum(item.size_bytes for item in items)

    def _do(self, item: _Item) -> None:
        try:
            handle = item.run.further()
            try:
                item.work(handle)
            finally:
                handle.release()
        except Exception as error:  # advice, though on a thread of ours
            logger.warning("run %s: something could not be recorded: %r", item.run.run_id, error)


deferred = DeferredWork()
