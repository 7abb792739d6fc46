"""Verifies models that were just logged, in processes of their own, once the runs that made them have ended."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from steno.tracking.deferred import deferred

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

logger = logging.getLogger("steno.tracking")

VERIFIED = "steno.verified"
LOOK_S = 0.2
MOST_WAITING = 1000


class Verified(StrEnum):
    """The values of the tag."""

    OK = "ok"
    NO = "no"
    NOT_YET = "not yet"


UNTIL_THEN = {
    VERIFIED: Verified.NOT_YET.value,
    f"{VERIFIED}_how": "its turn comes once its run has ended; if it never came, `steno models verify` tries it",
}
"""The tags with which a model is logged: they stay, and are true, where the process ends before its turn."""


class _Item(Struct, eq=False):
    model_id: str
    tracking_uri: str
    registered: tuple[str, str]
    run: ActiveRun | None


class BackgroundVerifier:
    """Models that wait for their turn, and the thread that tries one after the other; it starts with the first.

    A model is tried in a child process of the lowest priority, which sees no accelerator: what is left of that is the
    training's, or still held by its process.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: in a forked child there is no thread, and the models are the parent's."""
        self._waiting: list[_Item] = []
        self._current: _Item | None = None
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._abandoned = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def submit(self, model_id: str, tracking_uri: str, registered: tuple[str, str], run: ActiveRun | None) -> None:
        """Have a model tried later.

        Args:
            model_id: The logged model.
            tracking_uri: Of its store.
            registered: Name and number of its version, empty if it was not registered.
            run: The open run that made it, if one did.
        """
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                return  # its tags say that its turn has not come
            self._waiting.append(_Item(model_id, tracking_uri, registered, run))
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_through, name="steno-verifying", daemon=True)
                self._thread.start()
                # Before the exit handler of runs is there, none of them would wait for this thread.
                atexit.register(self._at_exit_without_runs)
        self._changed.set()

    def pending(self) -> int:
        """How many models have not been tried yet."""
        with self._lock:
            return len(self._waiting) + (self._current is not None)

    def wait(self, timeout_s: float) -> bool:
        """Have all that wait tried now, whether their runs have ended or not; False if that took too long."""
        self._ending = True
        deadline = time.monotonic() + timeout_s
        try:
            while self.pending():
                if time.monotonic() > deadline:
                    return False
                self._changed.set()
                time.sleep(0.01)
            return True
        finally:
            self._ending = False

    def drain(self, timeout_s: float) -> None:
        """At the end of the process: have them tried, for so long, and give up those that are left."""
        if not self.pending() or self.wait(timeout_s):
            return
        with self._lock:
            left = [item.model_id for item in (self._current, *self._waiting) if item is not None]
            self._waiting.clear()
        self._abandoned.set()
        logger.warning(
            "%d model(s) could not be verified before the process ended, which waits for STENO_EXIT_TIMEOUT_S at most: "
            "steno models verify models:/%s",
            len(left),
            left[0] if left else "",
        )
        if self._thread is not None:
            self._thread.join(2.0)  # for the child process to be gone

    def _at_exit_without_runs(self) -> None:
        from steno import settings
        from steno.tracking import ending

        if not ending.is_watching():
            self.drain(settings.load().exit_timeout_s)

    def _go_through(self) -> None:
        while True:
            item = self._next()
            if item is None:
                # Nothing tells this thread that a run has ended: it looks, while something waits for that.
                self._changed.wait(LOOK_S if self._waiting else None)
                self._changed.clear()
                continue
            self._do(item)
            with self._lock:
                self._current = None

    def _next(self) -> _Item | None:
        with self._lock:
            found = next((item for item in self._waiting if self._is_time(item)), None)
            if found is not None:
                self._waiting.remove(found)
                self._current = found
            return found

    def _is_time(self, item: _Item) -> bool:
        return self._ending or (not deferred.busy and (item.run is None or item.run.ended))

    def _do(self, item: _Item) -> None:
        try:
            _verify(item, self._abandoned)
        except Exception as error:  # advice, though on a thread of ours
            logger.warning("the model %s could not be verified: %s", item.model_id, error)


def _verify(item: _Item, abandoned: threading.Event) -> None:
    # Here, since a run that verifies nothing needs none of it.
    from steno.models import untrusted_types
    from steno.models.verification import LOWEST, Trial, try_model
    from steno.tracking import verification
    from steno.tracking.client import Client

    client, began = Client(item.tracking_uri), time.monotonic()
    folder = verification.folder_of(client, item.model_id)
    # This process has written it from what the user gave it a moment ago.
    trial = Trial(trusted=tuple(untrusted_types(folder)), niceness=LOWEST, devices=False)
    outcome = try_model(folder, trial, abandoned)
    if abandoned.is_set() and not outcome.ok:
        return
    found = verification.verification_of(f"models:/{item.model_id}", outcome, verification.LOCAL, "", began)
    verification.write(
        client, verification.Marked(item.model_id, *(item.registered if all(item.registered) else ())), found
    )


verifier = BackgroundVerifier()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=verifier.reset)
