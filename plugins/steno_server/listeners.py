"""Who listens to this process, each to a topic, and that nobody who does keeps it from ending."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from steno.contracts.stores import RunStore
from steno.errors import StenoError

from steno_server.looking import Topic
from steno_server.watching import Listener, Watch

MOST_LISTENERS = 100
"""How many listen to one process at a time."""

THREADS = 2


class TooManyListen(StenoError):
    """Nobody more can listen just now."""

    code = "REQUEST_LIMIT_EXCEEDED"
    http_status = 429


class Listeners:
    """Who listens to this process. On the event loop only.

    Args:
        store: Returns the store.
    """

    def __init__(self, store: Callable[[], RunStore]) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(THREADS, "steno-server-events")
        self._watches: dict[Topic, Watch] = {}
        self._hears_the_end = False

    async def join(self, topic: Topic, last_state: str) -> Listener:
        """Let someone listen, until `leave`. Raises: TooManyListen, StenoError."""
        if sum(len(watch.listeners) for watch in self._watches.values()) >= MOST_LISTENERS:
            raise TooManyListen(f"{MOST_LISTENERS} clients listen already: close a page, or come back later")
        self._hear_the_end()
        listener, watch = Listener(), self._watches.get(topic)
        if watch is None:
            watch = self._watches[topic] = Watch(topic, self._store, self._threads)
        try:
            await watch.join(listener, last_state)
        except BaseException:
            self.leave(topic, listener)
            raise
        return listener

    def leave(self, topic: Topic, listener: Listener) -> None:
        """Let someone listen no more; again is no error."""
        for_all = self._watches.get(topic)
        if for_all is None:
            return
        for_all.listeners.discard(listener)
        if not for_all.listeners:
            for_all.end()
            del self._watches[topic]

    def end(self) -> None:
        """Let nobody listen any longer: whoever does keeps the process from ending."""
        for watch in self._watches.values():
            watch.end()

    def _hear_the_end(self) -> None:
        """End when the process is told to: uvicorn first waits for all answers, and these have no end."""
        if self._hears_the_end or threading.current_thread() is not threading.main_thread():
            return
        self._hears_the_end = True
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _before(signal.getsignal(number), lambda: loop.call_soon_threadsafe(self.end)))


def _before(handler: Any, work: Callable[[], object]) -> Callable[[int, Any], None]:
    def heard(number: int, frame: Any) -> None:
        work()
        if callable(handler):
            handler(number, frame)

    return heard
