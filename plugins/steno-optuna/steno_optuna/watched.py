"""The `Study` objects in use in this process, and the record that each belongs to."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from optuna.trial import FrozenTrial
from steno.contracts.integration import Call
from steno.records import Tags
from steno.tracking import context

from steno_optuna import identity
from steno_optuna.studies import StudyRecord
from steno_optuna.trials import OpenTrial, here


class Watched:
    """One `Study` object. Several may mean the same study, and share its record.

    Attributes:
        optimizing: How many of its `optimize` calls go on.
        record: Where it is recorded; None before the first trial and between uses.
    """

    def __init__(self) -> None:
        self.optimizing = 0
        self.record: StudyRecord | None = None
        self._within: Any = None
        self._gave_up = False  # it could not be recorded: no second try until the next use
        self._finalizer: weakref.finalize[..., Any] | None = None

    def begin(self) -> None:
        """`optimize` is called."""
        with _lock:
            if not self.optimizing:
                self._within, self._gave_up = context.active_run(), False
            self.optimizing += 1

    def asked(self, study: Any, trial: Any) -> None:
        """A trial begins in this thread."""
        if self._gave_up:
            return
        by_hand = not self.optimizing
        if by_hand and self.record is None:
            self._within = context.active_run()
            self._end_with(study)
        record = self._joined(study)
        if not by_hand:
            self._resolve(study, record, None, mine_only=True, going_on=True)  # one that no callback was told of
        record.asked(trial, by_hand=by_hand)

    def told(self, study: Any, frozen: FrozenTrial) -> None:
        """A trial is over."""
        if self._gave_up:
            return
        if self.record is None and not self.optimizing:
            self._within = context.active_run()
            self._end_with(study)
        self._joined(study).told(study, frozen)

    def open_trial(self, number: int) -> OpenTrial | None:
        """Return a trial that has been asked for here and not been told."""
        return self.record.open.get(number) if self.record is not None else None

    def leave(self, study: Any, call: Call, error: BaseException | None, *, failed: bool) -> None:
        """`optimize` is over."""
        with _lock:
            self.optimizing -= 1
            last = not self.optimizing
        record = self.record
        if record is None:
            return
        try:
            self._resolve(study, record, error, mine_only=not last)
            record.sum_up(study, call)
        finally:  # the storage may be away
            if last:
                record.abandon(lambda trial: not trial.by_hand)
            if last and not record.open:
                self._drop(error, failed=failed)

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more is recorded of it."""
        if not self.optimizing:
            self._drop(error, failed=False)

    def _joined(self, study: Any) -> StudyRecord:
        record = self.record
        if record is not None:
            return record
        with _lock:
            if self.record is None:
                try:
                    self.record = _record_of(study, self._within)
                except BaseException:
                    self._gave_up = True
                    raise
                self.record.users += 1
            return self.record

    def _drop(self, error: BaseException | None, *, failed: bool) -> None:
        with _lock:
            record, self.record, self._within = self.record, None, None
            if record is None:
                return
            record.users -= 1
            if record.users:
                return
            _records.pop(record.key, None)
        record.end(error, failed=failed)

    def _resolve(
        self, study: Any, record: StudyRecord, error: BaseException | None, *, mine_only: bool, going_on: bool = False
    ) -> None:
        """Close trials that `optimize` has left without a word: the storage knows how they ended."""
        own = here.open
        left = [n for n, each in list(record.open.items()) if not each.by_hand and (each in own or not mine_only)]
        if left:
            trials = study.get_trials(deepcopy=False)
            for number in left:
                if going_on and not trials[number].state.is_finished():
                    here.leave(record.open[number])  # why it was left is known when `optimize` ends
                else:
                    record.told(study, trials[number], error)

    def _end_with(self, study: Any) -> None:
        """Trials that are asked for by hand have no end but that of the study."""
        if self._finalizer is None:
            self._finalizer = weakref.finalize(study, _end_later, self)
            self._finalizer.atexit = False


def watched(study: Any) -> Watched:
    """Return what is known of a `Study` object."""
    found = _watched.get(study)
    if found is None:
        with _lock:
            found = _watched.setdefault(study, Watched())
    return found


def end_all() -> None:
    """Nothing is watched any more: end what no `optimize` call will."""
    for each in list(_watched.values()):
        each.end()


def _record_of(study: Any, within: Any) -> StudyRecord:
    trials = study.get_trials(deepcopy=False)
    run_id = identity.id_of_study(study, trials[0].datetime_start)
    users_run = "" if within is None or Tags.AUTOLOGGING in within.data.tags else within.run_id
    key = run_id, users_run
    if key not in _records:
        _records[key] = StudyRecord(key, study, within, trials)
    return _records[key]


def _end_later(watched: Watched) -> None:
    """The garbage collector has taken the study: it may call inside any lock."""
    record = watched.record
    if record is not None:
        threading.Thread(target=watched.end, name="steno-optuna", daemon=True).start()


def _reset_after_fork() -> None:
    """In a forked child the records are the parent's."""
    global _lock, _watched
    _lock = threading.RLock()
    _watched = weakref.WeakKeyDictionary()
    _records.clear()
    here.open = []


_lock = threading.RLock()
_watched: weakref.WeakKeyDictionary[Any, Watched] = weakref.WeakKeyDictionary()
_records: dict[tuple[str, str], StudyRecord] = {}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
