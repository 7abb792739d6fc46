"""Those who hold something back for a run: asked for it before the run is read, and before it ends."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

logger = logging.getLogger("steno.tracking")


class Follower(Protocol):
    """Gathers for a run, and hands over late: values of a device, a model that is still being trained."""

    def settle(self) -> None:
        """Hand over what is there by now. Called from any thread, before a read."""
        ...

    def ending(self, error: BaseException | None) -> None:
        """Hand over everything: the run ends after this, with that error. Called once, on the thread that ends it."""
        ...


_lock = threading.Lock()
_followers: dict[str, list[Follower]] = {}


def follow(run_id: str, follower: Follower) -> None:
    """Be asked before the run is read and ends, in this process."""
    with _lock:
        _followers.setdefault(run_id, []).append(follower)


def settle(run_id: str | None = None) -> None:
    """Let a run's followers, or all, hand over what they hold. Never raises."""
    with _lock:
        found = [each for key, group in _followers.items() if run_id in (None, key) for each in group]
    for follower in found:
        try:
            follower.settle()
        except Exception as error:  # advice, though not inside a call
            logger.warning("something could not be recorded: %r", error)


def ending(run_id: str, error: BaseException | None) -> None:
    """Let a run's followers finish. Never raises."""
    with _lock:
        found = _followers.pop(run_id, [])
    for follower in found:
        try:
            follower.ending(error)
        except Exception as problem:  # advice, though not inside a call
            logger.warning("run %s: something could not be recorded: %r", run_id, problem)


def reset_after_fork() -> None:
    """In a forked child the runs are the parent's."""
    global _lock
    _lock = threading.Lock()
    _followers.clear()
