"""The writer thread of a process: carries every open journal into its store, a few times a second."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from pathlib import Path

from steno import settings
from steno.plugins import plugins
from steno.tracking import followers
from steno.tracking.carrier import Carrier
from steno.tracking.deferred import deferred
from steno.tracking.journal import Journal
from steno.tracking.verifying import verifier

logger = logging.getLogger("steno.writer")
BEAT_S = 5.0
DRAIN_PAUSE_S = 0.25
RECOVERY_S = 1.0  # so long the end of a process waits for what others left behind, if that is still being delivered


class Writer:
    """Owns the carriers of one process; its thread starts with the first."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._carriers: dict[str, Carrier] = {}
        self._recovered: dict[Path, threading.Thread] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._idle = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._draining = False
        self._interval_s = settings.Settings().flush_interval_s

    def add(self, carrier: Carrier) -> None:
        """Take on a journal."""
        with self._lock:
            if not self._carriers and self._thread is not None:
                self._wake.set()
            self._carriers[carrier.source.writer_id] = carrier
            if self._thread is None:
                self._interval_s = settings.load().flush_interval_s
                self._thread = threading.Thread(target=self._run, name="steno-writer", daemon=True)
                self._thread.start()
            self._recover_beside(carrier)

    def _recover_beside(self, carrier: Carrier) -> None:
        """Once for each folder of journals, deliver what processes that are gone have left there."""
        folder = carrier.source.folder
        if folder not in self._recovered:
            # On a thread of its own, since another run's store may hang.
            thread = threading.Thread(target=_recover, args=(folder,), name="steno-recovery", daemon=True)
            self._recovered[folder] = thread
            thread.start()

    def flush(self, run_id: str | None = None) -> bool:
        """Carry a run's journal (or all) on the caller's thread, for a read that must see its own writes.

        Returns False where something could not be carried; it stays in the journal.
        """
        deferred.wait(run_id)
        with self._lock:
            found = [c for c in self._carriers.values() if run_id is None or c.source.run_id == run_id]
        carried = [carrier.carry(now=True, timeout_s=30.0) for carrier in found]  # each, also after one that failed
        return all(carried)

    def pending(self) -> list[Carrier]:
        """The carriers that have something left to carry."""
        with self._lock:
            return [carrier for carrier in self._carriers.values() if carrier.source.pending()]

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is carried that can be, for at most `timeout_s`; the end of the process calls it."""
        deadline = time.monotonic() + timeout_s
        self._draining = True
        with self._idle:
            while self._hopeful() and (left := deadline - time.monotonic()) > 0:
                self._wake.set()
                # A store that fails at once is asked again after a while, not at once.
                self._idle.wait_for(lambda: not self._hopeful(), min(left, DRAIN_PAUSE_S))
        self._wait_for_recovery(min(deadline, time.monotonic() + RECOVERY_S))
        return not self.pending()

    def _wait_for_recovery(self, deadline: float) -> None:
        # Else processes that are shorter than a delivery would each begin it, and none end it.
        for thread in list(self._recovered.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _hopeful(self) -> bool:
        return any(not carrier.hopeless for carrier in self.pending())

    def _run(self) -> None:
        beat_at = 0.0
        while True:
            if not self._carriers:
                self._wake.wait()
                self._wake.clear()
            self._wake.wait(self._interval_s)
            self._wake.clear()
            with self._lock:
                carriers = list(self._carriers.values())
            for carrier in carriers:
                if carrier.source.pending():
                    carrier.carry(now=self._draining)
                if carrier.closing and carrier.finish():
                    with self._lock:
                        self._carriers.pop(carrier.source.writer_id, None)
            if time.monotonic() > beat_at:
                beat_at = time.monotonic() + BEAT_S
                _beat(carriers)
            with self._idle:
                self._idle.notify_all()

    def disown(self) -> None:
        """In a forked child: the thread is gone, and the journals are the parent's."""
        carriers = list(self._carriers.values())
        self._reset()
        for carrier in carriers:
            if isinstance(carrier.source, Journal):
                carrier.source.disown()


def _recover(folder: Path) -> None:
    from steno.tracking import recovery

    recovery.replay(folder)


def _beat(carriers: list[Carrier]) -> None:
    for carrier in carriers:
        if isinstance(carrier.source, Journal):
            carrier.source.beat()


writer = Writer()
forks = 0
"""How often this process is a forked child of the one that imported steno."""


def _after_fork_in_child() -> None:
    global forks
    from steno.tracking import ending, places

    forks += 1
    followers.reset_after_fork()
    places.reset_after_fork()
    ending.reset_after_fork()
    deferred.reset()
    writer.disown()
    finish_with_multiprocessing()


def finish_with_multiprocessing() -> None:
    """A worker of multiprocessing leaves without atexit; its own list of finalizers is the last thing it runs."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, drain_at_exit, exitpriority=0)


def drain_at_exit() -> None:
    """Wait for the store within the deadline, and say what stays behind."""
    limit = settings.load().exit_timeout_s
    deadline = time.monotonic() + limit
    if not deferred.wait(timeout_s=limit):
        logger.warning("a model of the last runs could not be written within %g s, and is lost", limit)
    if not writer.drain(limit):
        _say_what_stays(limit)
    verifier.drain(max(0.0, deadline - time.monotonic()))
    for plugin in plugins().hooks.settle(max(0.0, deadline - time.monotonic())):
        logger.warning("plugin %r could not be shown all that was recorded before the process ended", plugin)


def _say_what_stays(limit_s: float) -> None:
    left = [carrier.source for carrier in writer.pending()]
    kept = [source for source in left if not (isinstance(source, Journal) and source.in_memory)]
    if kept:
        logger.warning(
            "%d run(s) could not be written to their store within %g s; nothing is lost: the journals in %s are "
            "delivered by the next process, or by `steno sync`",
            len(kept),
            limit_s,
            kept[0].folder,
        )
    if len(left) > len(kept):
        lost = len(left) - len(kept)
        logger.warning("%d run(s) could be written neither to a journal nor to their store, and are lost", lost)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def flush(run_id: str | None = None) -> bool:
    """Carry what was logged in this process to the store now, and show it to observers.

    Returns False if some could not be carried; that waits in the journal.
    """
    followers.settle(run_id)
    carried = writer.flush(run_id)
    plugins().hooks.settle(settings.load().exit_timeout_s)
    return carried
