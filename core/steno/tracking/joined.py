"""A run that several processes write to, each by a handle of its own: whoever leaves last ends it."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from steno.plugins import plugins
from steno.records import RunChange, RunStart, RunStatus, Tags
from steno.tracking import context, ending, followers, places
from steno.tracking import writer as writing
from steno.tracking.frames import Facts
from steno.tracking.run import ActiveRun, start_of

SUFFIX = ".present"
_TRIES = 5


class Presence:
    """A lock file beside the journals that all who are in a run hold together; the system lets go of it for the dead.

    Processes on other machines, or with another journal folder, do not see each other.

    Attributes:
        first: Whether nobody else was in it when this one came.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self._path = _path_of(folder, run_id)
        self._fd = -1
        self.first = True
        for _ in range(_TRIES):
            if self._enter():
                break
            time.sleep(0.0005)  # someone is coming or leaving just now
        _here.add(self)

    def _enter(self) -> bool:
        fd = _locked(self._path, fcntl.LOCK_EX, create=True)
        self.first = fd >= 0
        if fd >= 0 and not _try(fd, fcntl.LOCK_SH):
            os.close(fd)
            return False
        self._fd = fd if fd >= 0 else _locked(self._path, fcntl.LOCK_SH, create=True)
        return self._fd >= 0

    @contextmanager
    def leaving(self) -> Iterator[bool]:
        """Leave, and yield whether nobody is left; until the body is over nobody enters."""
        if self._fd < 0:
            yield True
            return
        fd, self._fd = self._fd, -1
        # First out, then the question: of two who leave together, at least one finds nobody.
        fcntl.flock(fd, fcntl.LOCK_UN)
        alone = _try(fd, fcntl.LOCK_EX)
        try:
            yield alone
        finally:
            if alone:
                self._path.unlink(missing_ok=True)
            os.close(fd)

    def disown(self) -> None:
        """In a forked child: the parent's presence is not ours to keep up."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def is_anyone_in(folder: Path, run_id: str) -> bool:
    """Whether a living process is in a run; where none is, what the dead have left is removed."""
    path = _path_of(folder, run_id)
    if not path.exists():
        return False
    fd = _locked(path, fcntl.LOCK_EX, create=False)
    if fd < 0:
        return path.exists()
    path.unlink(missing_ok=True)
    os.close(fd)
    return False


class JoinedRun(ActiveRun):
    """A handle on a run that this process joins, and begins if it is the first.

    It is RUNNING from then on. `end` ends it only where no other process is in it.
    """

    _running_until = 0  # the offset behind the entry which says that it runs again

    def __init__(self, run_id: str, store_uri: str, start: RunStart) -> None:
        self._presence = Presence(places.journal_folder(store_uri), run_id)
        super().__init__(run_id, store_uri, start)
        if self._presence.first:  # it may have ended before
            again = RunChange(RunStatus.RUNNING.value)
            self.append(Facts(deleted_tags=(Tags.END_REASON, Tags.ERROR), change=again))
            self._running_until = getattr(self._journal, "committed", 0)
        ending.watch(self)
        plugins().hooks.run_started(self)

    def end(self, status: str = RunStatus.FINISHED, error: BaseException | None = None) -> None:
        if self.ended or not self.owned or self._forks != writing.forks:
            super().end(status, error)
            return
        with self._presence.leaving() as alone:
            if alone:
                super().end(status, error)
                return
        self.ended = True
        context.remove(self)
        followers.ending(self.run_id, error)
        if self._running_until > getattr(self._journal, "acked", 0):
            # Who leaves last may be quicker with the end than we with this: it must not be RUNNING then for good.
            now_ms = time.time_ns() // 1_000_000
            self.append(Facts(change=RunChange(RunStatus(status).value, now_ms)))
        self.release()
        ending.forget(self)
        plugins().hooks.run_ended(self, error)


def join_run(
    run_id: str,
    *,
    run_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    experiment_id: str = "0",
    start_time: int | None = None,
    store_uri: str | None = None,
) -> JoinedRun:
    """Open a run by an id that others may know too, without making it the active one. Touches the journal only.

    Args:
        run_id: 32 hex characters. A run of that id which is there already goes on, with the name, tags, experiment
            and start it began with.
        run_name, tags, experiment_id, start_time, store_uri: As for a run that begins.
    """
    start = start_of(run_name, tags, experiment_id, start_time)
    return JoinedRun(run_id, store_uri or places.get_tracking_uri(), start)


def _path_of(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id[:32]}{SUFFIX}"


def _locked(path: Path, kind: int, *, create: bool) -> int:
    """Open the file of that name and lock it; -1 where that cannot be, or another took its place meanwhile."""
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
    except OSError:
        return -1
    try:
        if _try(fd, kind) and os.fstat(fd).st_ino == path.stat().st_ino:
            return fd
    except OSError:  # it has been removed
        pass
    os.close(fd)
    return -1


def _try(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _disown_all() -> None:
    for presence in list(_here):
        presence.disown()


_here: weakref.WeakSet[Presence] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
