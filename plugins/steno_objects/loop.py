"""A thread of this process that runs what S3's library asks for, to the very end of the process.

Journals are delivered as the process ends, when Python's own pools take no more work: what the loop has to wait for, as
for a host's name, gets a thread each.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


class _Threads(ThreadPoolExecutor):
    """An executor that also takes work when the interpreter is about to go."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # who waits for it is told
                    future.set_exception(error)

        threading.Thread(target=work, name="steno-objects-work", daemon=True).start()
        return future


def running() -> asyncio.AbstractEventLoop:
    """Return the loop of this process; it runs."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            _loop.set_default_executor(_Threads())
            threading.Thread(target=_loop.run_forever, name="steno-objects", daemon=True).start()
        return _loop


def submitted(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine there, and return what its result will be in."""
    return asyncio.run_coroutine_threadsafe(coroutine, running())


def _reset_after_fork() -> None:
    """In a forked child there is no such thread, and a lock that a parent's thread held would never be released."""
    global _lock, _loop
    _lock, _loop = threading.Lock(), None


os.register_at_fork(after_in_child=_reset_after_fork)
