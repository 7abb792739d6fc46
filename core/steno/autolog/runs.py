"""The run of a watched call: found or opened when advice first asks, ended by core. All of tracking is met here."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from steno.autolog.contained_run import ContainedRun, NoRun
from steno.autolog.containment import contain
from steno.records import RunStatus, Tags

if TYPE_CHECKING:
    from steno.autolog.call import WatchedCall
    from steno.contracts.integration import Run

# Callbacks of one call may ask for its run from several threads at once. No other lock is taken by who waits.
_opening = threading.Lock()


class _Spent:
    """What the watched calls of one run took, in seconds."""

    def __init__(self) -> None:
        self.overhead = self.total = 0.0


_spent: weakref.WeakKeyDictionary[Any, _Spent] = weakref.WeakKeyDictionary()


def user_run_is_active() -> bool:
    """Whether the user has a run open here."""
    from steno.tracking import context

    return context.active_run_of_user() is not None


def find_or_open(call: WatchedCall) -> Run:
    """Return the user's active run, or open one for an outermost call. Never raises: without a store, nothing
    is recorded, and that is said once."""
    with _opening:
        if call.used_run is None:
            try:
                call.use(*_find_or_open(call))
            except Exception as error:  # advice: opening a run is no reason to stop a training
                contain(call.row.watcher.name, call.target, error, call)
                call.use(NoRun(), opened=False)
    assert call.used_run is not None
    return call.used_run


def _find_or_open(call: WatchedCall) -> tuple[ContainedRun, bool]:
    from steno.tracking import context, experiments, run

    lacking = _lacking(call)
    active = context.active_run()
    if active is not None:
        users = ContainedRun(active)
        if lacking:
            users.set_tags(lacking)
        return users, False
    name = type(call.instance).__name__ if call.instance is not None else call.target.rpartition(".")[2]
    tags = {**call.options.extra_tags, Tags.AUTOLOGGING: call.row.watcher.name, **lacking}
    opened = run.open_run(run_name=name, tags=tags, experiment_id=experiments.for_new_run())
    # What the user logs inside the call belongs to this run; `end` takes it off again.
    context.push(opened)
    return ContainedRun(opened), True


def _lacking(call: WatchedCall) -> dict[str, str]:
    lacking = call.row.watcher.not_captured
    return {Tags.NOT_CAPTURED: lacking} if lacking else {}


def close(call: WatchedCall, error: BaseException | None, *, finished: bool) -> None:
    """Say what the call cost, and end its run if core opened it. Never raises."""
    run = call.used_run
    if call.enclosing is not None or not isinstance(run, ContainedRun) or run.pid != os.getpid():
        return  # another call's to close, or the parent process's
    try:
        _tell_overhead(run, call)
        if call.opened:
            run.active.end(_status(error, finished), error)
    except Exception as problem:  # advice
        contain(call.row.watcher.name, call.target, problem, call)


def _status(error: BaseException | None, finished: bool) -> RunStatus:
    from steno.tracking import ending

    if finished:
        return RunStatus.FINISHED
    status = RunStatus.KILLED if error is None else ending.status_of(error)
    # A training that an exception left did not finish, be it `SystemExit(0)`.
    return RunStatus.FAILED if status is RunStatus.FINISHED else status


def _tell_overhead(run: ContainedRun, call: WatchedCall) -> None:
    spent = _spent.setdefault(run.active, _Spent())
    spent.overhead += call.overhead_now()
    spent.total += call.seconds
    percent = 100.0 * spent.overhead / spent.total if spent.total else 0.0
    run.set_tags({Tags.OVERHEAD_MS: f"{spent.overhead * 1000.0:.3f}", Tags.OVERHEAD_PERCENT: f"{percent:.3f}"})
