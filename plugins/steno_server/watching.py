"""What changes in the runs of an experiment, or in one run, read from the store as long as somebody listens.

Nothing tells a process of what others write, so the store is asked again and again: by one task for all who listen to
the same thing, by none if nobody does. Writing costs nothing more for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor

from steno.contracts.stores import RunStore
from steno.errors import NotFound, StenoError
from steno.records import Run

from steno_server import looking
from steno_server.looking import Event, Topic, change, event_of, reload, state_of, told_of

logger = logging.getLogger("steno.server")

POLL_S = 1.0
"""How long a change may stay unknown, unless it takes longer to look."""

SHARE = 10
"""Looking takes at most one part of so many of a processor's time."""

MOST_WAITING = 16
"""How many events wait for someone who reads slowly."""

PAST_BYTES = 2**20
"""How much of what was told is kept for those who come back."""


class Listener:
    """One client. What it does not take in time is dropped, and it is told to load everything anew."""

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._woken = asyncio.Event()
        self._ended = False

    def tell(self, event: Event) -> None:
        """Let an event wait to be taken."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            event = reload(event.state)
        self._waiting.append(event)
        self._woken.set()

    def end(self) -> None:
        """Let nothing more come than what waits."""
        self._ended = True
        self._woken.set()

    async def take(self, wait_s: float) -> bytes | None:
        """Return what is sent next: an event, a sign of life if there is none for so long, None at the end."""
        if not self._waiting and not self._ended:
            self._woken.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                return b":\n\n"
        return self._waiting.popleft().content if self._waiting else None


class Watch:
    """Looks at one topic for all who listen to it. On the event loop only, but for the looking itself.

    Args:
        store: Returns the store.
        threads: Where it is asked.
    """

    def __init__(self, topic: Topic, store: Callable[[], RunStore], threads: Executor) -> None:
        self.listeners: set[Listener] = set()
        self._topic, self._store, self._threads = topic, store, threads
        self._runs: dict[str, Run] = {}
        self._state = ""
        self._past: deque[tuple[str, Event]] = deque()
        self._past_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None

    async def join(self, listener: Listener, last_state: str) -> None:
        """Let someone listen, who knows what was so far, nothing, or an earlier state. Raises: StenoError."""
        self.listeners.add(listener)  # before the wait, so that the watch is not given up meanwhile
        if self._first is None:
            self._first = asyncio.ensure_future(self._look())
        await asyncio.shield(self._first)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_looking())
        if not last_state:
            told = [told_of(run, None, "") for run in self._runs.values()]
            listener.tell(event_of("state", self._state, told))
        elif last_state != self._state:
            missed = [event for _, event in self._past]
            while missed and self._past[-len(missed)][0] != last_state:
                missed.pop(0)
            for event in missed or [reload(self._state)]:
                listener.tell(event)

    def end(self) -> None:
        """Look no longer, and let nobody wait."""
        if self._task is not None:
            self._task.cancel()
        for listener in self.listeners:
            listener.end()

    async def _keep_looking(self) -> None:
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._look()
                except NotFound:  # purged; who asks again is told
                    return
                except StenoError as error:
                    logger.debug("%s: events wait for the store: %s", self._topic, error)
                await asyncio.sleep(max(POLL_S, (SHARE - 1) * (time.monotonic() - began)))
        finally:
            self.end()

    async def _look(self) -> None:
        """See what changed, and tell it. Raises: StenoError."""
        before = self._runs
        asked = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: looking.look(self._store(), self._topic, before)
        )
        seen = await asked
        state = state_of(seen.runs)
        if state == self._state:
            return
        changed = [told for run in (*seen.ended, *seen.runs.values()) if (told := change(before, run)) is not None]
        event = event_of("changes", state, changed) if seen.is_whole else reload(state)
        if self._state:
            self._remember(event)
            for listener in self.listeners:
                listener.tell(event)
        self._runs, self._state = seen.runs, state

    def _remember(self, event: Event) -> None:
        self._past.append((self._state, event))
        self._past_bytes += len(event.content)
        while self._past_bytes > PAST_BYTES:
            self._past_bytes -= len(self._past.popleft()[1].content)
