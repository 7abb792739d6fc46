"""Watches Optuna: `optimize`, and the trials that are asked for and told by hand."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from itertools import chain
from time import perf_counter
from types import ModuleType
from typing import Any

from optuna.trial import FrozenTrial
from steno.autolog import contained
from steno.contracts.integration import Call, Patch

from steno_optuna.trials import here
from steno_optuna.watched import Watched, end_all, watched

_CALLBACKS_AT = 5  # where `optimize` takes them if they come by position
_SKIP_AT = 3


class OptunaIntegration:
    """Optuna 4.0 and later."""

    name = "optuna"
    modules = ("optuna",)

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows."""
        return (
            Patch("Study.optimize", optimize, captures="studies: the run, and each trial as a run below it"),
            Patch("Study.ask", ask, captures="the beginning of each trial"),
            Patch("Study.tell", tell, captures="trials told by hand"),
            Patch("Trial.report", report, captures="intermediate values"),
            # Private: without it, trials whose error the user lets pass (`catch=`) do not say which it was.
            Patch("study._optimize._log_failed_trial", tap=failed, optional=True, captures="why a trial failed"),
        )

    def switched_off(self) -> None:
        """End what no call of the user's ends."""
        end_all()


def optimize(call: Call) -> Generator[None, Any, None]:
    """Record a search: the study's own run from the first trial to the last, which others may share."""
    study, error, finished = call.instance, None, False
    mine = watched(study)
    call.host()
    mine.begin()
    if len(call.args) <= _CALLBACKS_AT:
        call.kwargs["callbacks"] = _First(_Told(mine), call.kwargs.get("callbacks"))
    try:
        yield
        finished = True
    except BaseException as raised:
        error = raised
        raise
    finally:
        mine.leave(study, call, error, failed=not finished)
        error = None  # or this frame and the error would keep each other


def ask(call: Call) -> Generator[None, Any, None]:
    """Begin the run of a trial."""
    study = call.instance
    trial = yield
    began = perf_counter()
    mine = watched(study)
    mine.asked(study, trial)
    _spent(mine, began)


def tell(call: Call) -> Generator[None, Any, None]:
    """End the run of a trial that the user tells of; telling again what is over tells nothing."""
    study, now = call.instance, datetime.now()
    skips = len(call.args) > _SKIP_AT or call.kwargs.get("skip_if_finished")
    frozen = yield
    began = perf_counter()
    mine = watched(study)
    over = skips and frozen.datetime_complete is not None and frozen.datetime_complete < now
    if not over or mine.open_trial(frozen.number) is not None:
        mine.told(study, frozen)
    _spent(mine, began)


def report(call: Call) -> Generator[None, Any, None]:
    """Record an intermediate value that Optuna has taken."""
    yield
    began = perf_counter()
    mine = watched(call.instance.study)
    opened = mine.open_trial(call.instance.number)
    if opened is not None:
        value, step = (*call.args, *(call.kwargs[name] for name in ("value", "step")[len(call.args) :]))
        opened.report(int(step), float(value))
    _spent(mine, began)


def failed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Optuna says that the trial of this thread has failed: keep why."""
    if not here.open:
        return
    given = [*args, *kwargs.values()]
    trial = here.open[-1]
    for each in given[1:]:
        if isinstance(each, tuple) and len(each) == 3 and isinstance(each[1], BaseException):
            trial.error = each[1]
        elif isinstance(each, str | Warning):
            trial.why = str(each)


@contained
class _Told:
    """The callback by which `optimize` tells of a trial that is over."""

    def __init__(self, mine: Watched) -> None:
        self._mine = mine

    def __call__(self, study: Any, frozen: FrozenTrial) -> None:
        began = perf_counter()
        self._mine.told(study, frozen)
        _spent(self._mine, began)


class _First:
    """A callback of ours before the user's, whatever they were given as: Optuna meets what is no iterable itself."""

    def __init__(self, ours: _Told, users: Any) -> None:
        self._ours, self._users = ours, users

    def __iter__(self) -> Iterator[Any]:
        return iter((self._ours,)) if self._users is None else chain((self._ours,), self._users)


def _spent(mine: Watched, began: float) -> None:
    record = mine.record
    if record is not None:
        record.session.overhead_s += perf_counter() - began


integration = OptunaIntegration()
