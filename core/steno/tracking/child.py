"""A run below another: one entry in its parent's journal when it is over, and a journal of its own if it needs one."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from steno.plugins import plugins
from steno.records import Batch, ModelStart, RunChange, RunStart, RunStatus, Series, Tags
from steno.tracking import context, ending, followers
from steno.tracking import writer as writing
from steno.tracking.frames import Entry, Facts, child_of
from steno.tracking.journal import Journal, Silence
from steno.tracking.run import ActiveRun

logger = logging.getLogger("steno.tracking")

BEGINS_AFTER_S = 0.5
UNFINISHED = "unfinished"


class ChildRun(ActiveRun):
    """One of many short runs, as the trials of a search are.

    A journal costs more than many a trial: the run does without until something is logged to it, someone asks for
    it, or it has lasted half a second. From then on it is a run like any other. One that ends before is written
    whole, as an entry of its parent's journal.

    Args:
        run_id: 32 hex characters, chosen by the caller.
        parent: The open run that it is a child of.
        start: Its name, time and tags; what is empty is the parent's.
        begun: Called once if it is given a journal, perhaps on another thread: what it says then is seen while
            the run goes on.
    """

    def __init__(
        self, run_id: str, parent: ActiveRun, start: RunStart, begun: Callable[[ChildRun], None] | None = None
    ) -> None:
        self._parent = parent
        self._told = begun
        self._begun = False
        self._waiting = Batch()
        self._pid = os.getpid()
        self._beginning = threading.RLock()
        super().__init__(run_id, parent.store_uri, _below(parent, start), truncate=parent._truncate)
        ending.watch(self)
        followers.follow(run_id, self)
        _later.add(self)

    @property
    def has_begun(self) -> bool:
        """Whether it has a journal of its own."""
        return self._begun

    def begin(self) -> None:
        """Give it a journal, as anything does that is logged to it."""
        with self._beginning:
            if self._begun:
                return
            self._begun = True
            self.owned = self._pid == os.getpid() and not self.ended
            super()._open_journal(create=True)
            self._write(self._waiting)
        if self.owned:
            plugins().hooks.run_started(self)
            if self._told is not None:
                self._told(self)

    def hold_metric(self, key: str, value: float, step: int, time_ms: int) -> None:
        """Record a point, which alone is no reason for a journal. The key has been checked."""
        if not self._begun:
            with self._beginning:
                if not self._begun:
                    self._waiting.add_metric(key, value, time_ms, step)
                    return
        self.log_metric(key, value, step, time_ms)

    def finish(self, facts: Batch, status: str = RunStatus.FINISHED, error: BaseException | None = None) -> None:
        """Record what is known at the end, and end the run. Its values have been checked; a param that is there stays.

        Args:
            facts: Params, tags and series; its `change` may hold the time of the end.
            status: How it ended.
            error: What ended it.
        """
        end_time = max(self._end_of(facts), self._start.start_time)
        change = RunChange(RunStatus(status).value, end_time)
        with self._beginning:
            whole = not self._begun and not self.ended and self._pid == os.getpid()
            if whole:
                self.ended = True
        if not whole:
            self._write(facts)
            if self.ended:  # by a call of the user's own, who could not know how
                self._own_journal().append(Facts(deleted_tags=(Tags.END_REASON,), change=change))
                self.release()
            else:
                self.last_seen_ms = end_time
                super().end(status, error)
            return
        context.remove(self)
        followers.ending(self.run_id, error)
        merged = _merged(self._waiting, facts)
        merged.start, merged.change = self._start, change
        if error is not None:
            merged.tags.update(ending.describe(error))
        self._parent._own_journal().append(child_of(self.run_id, merged))
        ending.forget(self)

    # -- a run's own methods, where the journal comes late ----------------------------------------------------

    def end(self, status: str = RunStatus.FINISHED, error: BaseException | None = None) -> None:
        """End it where nobody has said how it went: at exit, or by a call of the user's."""
        if self.ended:
            return
        if status == RunStatus.FINISHED and error is None:
            self.finish(Batch(tags={Tags.END_REASON: UNFINISHED}), RunStatus.KILLED)
        else:
            self.finish(Batch(), status, error)

    def log_file(self, path: str, content: bytes | Path) -> None:
        self.begin()
        super().log_file(path, content)

    def log_model(self, start: ModelStart, folder: Path) -> None:
        self.begin()
        super().log_model(start, folder)

    def further(self) -> ActiveRun:
        # With its start, for the entry that holds it may be on its way yet.
        return ActiveRun(self.run_id, self.store_uri, self._start, owned=False)

    def __reduce__(self) -> tuple[Callable[..., ActiveRun], tuple[Any, ...]]:
        self.begin()
        return super().__reduce__()

    def settle(self) -> None:
        """Someone reads: what is not in the store yet has to go there."""
        if not self.ended:
            self.begin()

    def ending(self, error: BaseException | None) -> None:
        """It ends; what it held is written by `finish`."""

    def _open_journal(self, *, create: bool) -> None:
        if self._pid != os.getpid():  # forked; a thread that is not here may have held the lock
            self._pid, self._beginning = -1, threading.RLock()
        if self._begun:
            super()._open_journal(create=create)
        elif self._pid < 0 or self.ended:
            self.begin()
        else:
            self._forks = writing.forks
            self._journal = _Unbegun(self)

    def _end_of(self, facts: Batch) -> int:
        told = facts.change.end_time if facts.change is not None else None
        return told or self.last_seen_ms or time.time_ns() // 1_000_000

    def _write(self, batch: Batch) -> None:
        """Log a batch; a param that has been written keeps its value."""
        if not batch:
            return
        batch.params = {key: value for key, value in batch.params.items() if key not in self._params}
        self._params.update(batch.params)
        if batch.params or batch.tags:
            self._own_journal().append(Facts(batch.params, batch.tags))
        for each in batch.series.values():
            self.log_series(each)


class _Unbegun(Silence):
    """Stands where the journal will be: the first thing logged begins it."""

    def __init__(self, run: ChildRun) -> None:
        self._run = run

    def _begun(self) -> Journal | Silence:
        self._run.begin()
        journal = self._run._journal
        return Silence() if journal is self else journal  # a signal handler, in the midst of beginning

    def append_point(self, key: str, step: int, time_ms: int, value: float) -> None:
        """Begin, and append there."""
        self._begun().append_point(key, step, time_ms, value)

    def append_row(self, keys: tuple[str, ...], step: int, time_ms: int, values: list[float]) -> None:
        """Begin, and append there."""
        self._begun().append_row(keys, step, time_ms, values)

    def append_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Begin, and append there."""
        self._begun().append_points(points)

    def append_series(self, series: Series) -> None:
        """Begin, and append there."""
        self._begun().append_series(series)

    def append(self, entry: Entry) -> None:
        """Begin, and append there."""
        self._begun().append(entry)


class _Later:
    """Begins the children that last, on a thread of its own."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[float, weakref.ref[ChildRun]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def add(self, run: ChildRun) -> None:
        self._queue.put((time.monotonic() + BEGINS_AFTER_S, weakref.ref(run)))
        if self._thread is None and self._starting.acquire(blocking=False):
            try:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="steno-children", daemon=True)
                    self._thread.start()
            finally:
                self._starting.release()

    def _run(self) -> None:
        while True:
            due, found = self._queue.get()
            time.sleep(max(0.0, due - time.monotonic()))
            run = found()
            if run is not None and not run.ended:
                try:
                    run.begin()
                except Exception as error:  # advice, though on a thread of ours
                    logger.warning("run %s could not be begun: %r", run.run_id, error)
            del run


def _below(parent: ActiveRun, start: RunStart) -> RunStart:
    tags = {**start.tags, Tags.PARENT_RUN_ID: parent.run_id}
    user = start.user_id or parent._start.user_id
    return RunStart(start.experiment_id or parent.experiment, start.run_name, start.start_time, user, tags)


def _merged(first: Batch, then: Batch) -> Batch:
    """Put what was held and what came at the end into one batch."""
    for key, series in then.series.items():
        for step, time_ms, value in zip(series.steps, series.times, series.values, strict=True):
            first.add_metric(key, value, time_ms, step)
    first.params.update(then.params)
    first.tags.update(then.tags)
    return first


def _reset_after_fork() -> None:
    """In a forked child the thread is gone, and its runs are the parent's."""
    global _later
    _later = _Later()


_later = _Later()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
