"""Journals whose owner is gone: replayed into their store, and their run closed with its true status."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections import defaultdict
from pathlib import Path

import msgspec
from msgspec import Struct

from steno import settings
from steno.errors import JournalError
from steno.plugins import plugins
from steno.records import Batch, RunChange, RunStatus, Tags
from steno.tracking import ending, places
from steno.tracking.carrier import Carrier
from steno.tracking.frames import Reader
from steno.tracking.joined import is_anyone_in
from steno.tracking.left import LeftJournal, SegmentFile, feed
from steno.tracking.segment import HEADER_SIZE, SUFFIX, pid_started, read_header

logger = logging.getLogger("steno.recovery")
_MAKING_S = 60.0


class JournalReport(Struct, frozen=True):
    """What one journal holds, as `steno fsck` shows it.

    Attributes:
        state: "in use", "waiting" (its owner is gone, `steno sync` delivers it), or "damaged".
        frames, points: Whole frames, and metric points in them.
        pending_bytes: Bytes of frames that the store has not acknowledged.
        damage: What is wrong and where, "" if nothing.
    """

    path: str
    run_id: str
    store_uri: str
    state: str
    frames: int
    points: int
    pending_bytes: int
    damage: str = ""


class SyncReport(Struct):
    """What a replay did."""

    delivered: int = 0
    closed: list[str] = msgspec.field(default_factory=list)
    in_use: int = 0
    damaged: list[str] = msgspec.field(default_factory=list)
    failed: dict[str, str] = msgspec.field(default_factory=dict)


def replay(folder: Path, *, store_uri: str | None = None, run_id: str | None = None) -> SyncReport:
    """Deliver every journal in a folder whose owner is gone.

    Args:
        store_uri: Where to deliver; default the store each journal names.
        run_id: Only this run's.
    """
    report = SyncReport()
    for paths in _groups(folder, run_id):
        locks = _lock_all(paths)
        if locks is None:
            report.in_use += 1
            continue
        try:
            left = LeftJournal(paths, locks)
        except (JournalError, OSError) as error:
            _unlock(locks)
            report.damaged.append(f"{paths[0].name}: {error}")
            continue
        _deliver(left, store_uri, report)
    if run_id is None:
        _sweep(folder)
    return report


def sync(uri: str | None = None) -> SyncReport:
    """Deliver what waits beside a store: `steno sync`."""
    target = places.absolute_uri(uri) if uri else places.get_tracking_uri()
    report = replay(places.journal_folder(target), store_uri=target if uri else None)
    plugins().hooks.settle(settings.load().exit_timeout_s)  # the command may be the end of its process
    return report


def check(folder: Path) -> list[JournalReport]:
    """Look at every journal in a folder and change nothing: `steno fsck`."""
    return [_check_one(path) for path in sorted(folder.glob(f"*{SUFFIX}")) + sorted(folder.glob("*.damaged"))]


def _deliver(left: LeftJournal, store_uri: str | None, report: SyncReport) -> None:
    target = store_uri or (left.opened.store_uri if left.opened else None)
    report.damaged.extend(left.damage)
    if target is None:
        left.close(remove=False)
        report.failed[left.run_id] = "its journal does not say which store it belongs to: name one with --tracking-uri"
        return

    def end_run() -> None:
        if (left.opened is None or left.opened.owns_run) and _close_run(left, target):
            report.closed.append(left.run_id)

    carrier = Carrier(left, target, afterwards=end_run)
    delivered = carrier.carry(now=True)
    left.close(remove=delivered)
    if delivered:
        report.delivered += 1
    else:
        report.failed[left.run_id] = f"{type(carrier.failure).__name__}: {carrier.failure}"


def _close_run(left: LeftJournal, store_uri: str) -> bool:
    """End a run that its process left open, and no other is in: KILLED by a signal that left a note, else lost."""
    store = places.run_store(store_uri)
    run = store.get_run(left.run_id)
    if RunStatus(run.info.status).terminal or is_anyone_in(left.folder, left.run_id):
        return False
    note = ending.path_of(left.folder, *left.owner)
    where = note.read_text("utf-8", "replace") if note.exists() else ""
    tags = {Tags.END_REASON: "SIGTERM" if where else "lost"}
    if where:
        tags[Tags.ERROR] = where[-ending.ERROR_LENGTH :]
    end = min(max(left.last_seen_ms, run.info.start_time), int(time.time() * 1000))
    batch = Batch(tags=tags, change=RunChange(RunStatus.KILLED.value, end))
    store.write(left.run_id, batch)
    plugins().hooks.batch_written(left.run_id, batch, store_uri)
    return True


def _sweep(folder: Path) -> None:
    """Remove what a process left that died without a journal: half-made segments, notes of its death."""
    notes = list(folder.glob("*.death"))
    waiting = {_owner_of(path) for path in folder.glob(f"*{SUFFIX}")} if notes else set()
    for path in notes:
        pid, _, started = path.stem.partition("-")
        if pid.isdigit() and int(pid) not in waiting and str(pid_started(int(pid))) != started:
            path.unlink(missing_ok=True)
    for path in folder.glob("*.making"):
        locks = _lock_all([path]) if _age_s(path) > _MAKING_S else None  # a young one may be about to be locked
        if locks is not None:
            path.unlink(missing_ok=True)
            _unlock(locks)


def _owner_of(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return read_header(file.read(HEADER_SIZE), path.name).pid
    except (JournalError, OSError):
        return 0


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _groups(folder: Path, run_id: str | None) -> list[list[Path]]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    groups: dict[str, list[Path]] = defaultdict(list)
    for name in names:
        if name.endswith(SUFFIX) and (run_id is None or name.startswith(f"{run_id[:32]}.")):
            groups[name.rsplit(".", 2)[0]].append(folder / name)
    return [groups[name] for name in sorted(groups)]


def _lock_all(paths: list[Path]) -> list[int] | None:
    """Lock every file, or none: None where another process (or this one) holds one."""
    locks: list[int] = []
    for path in paths:
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # gone since it was listed
            _unlock(locks)
            return None
        locks.append(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _unlock(locks)
            return None
        if not path.exists():  # delivered by another process between the listing and the lock
            _unlock(locks)
            return None
    return locks


def _unlock(locks: list[int]) -> None:
    for lock in locks:
        os.close(lock)


def _check_one(path: Path) -> JournalReport:
    try:
        file = SegmentFile(path)
    except (JournalError, OSError) as error:
        return JournalReport(str(path), "", "", "damaged", 0, 0, 0, str(error))
    reader, damage, points = Reader(), file.damage, 0
    for body, end in file.bodies:
        damage = feed(reader, file.data, body, end) or damage
        points += sum(map(len, reader.take()[0].series.values()))
    locks = _lock_all([path])
    _unlock(locks or [])
    state = "damaged" if damage else "in use" if locks is None else "waiting"
    opened = reader.opened
    return JournalReport(
        str(path),
        opened.run_id if opened else file.header.run_id,
        opened.store_uri if opened else "",
        state,
        len(file.bodies),
        points,
        max(0, file.end - max(file.header.acked, file.header.base)),
        damage,
    )
