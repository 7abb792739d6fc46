"""What is recorded round `lightgbm.cv`: means and deviations of every round, and a child run for each fold."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any

from steno.autolog import keeping
from steno.contracts.integration import Call
from steno.records import Batch, RunChange, RunStart, RunStatus, Tags

from steno_lightgbm import callbacks, data, params, stopping
from steno_lightgbm.rounds import Rounds, key_of

_MOST_POINTS = 100_000


class _Folds:
    """What each fold scored, round by round."""

    def __init__(self) -> None:
        self.began_ms = _now_ms()
        self.full = False
        self._rounds: list[tuple[int, list[list[Any]]]] = []
        self._count = 0

    def add(self, folds: list[list[Any]]) -> None:
        """Take the evaluation of one round: a list of scores for each fold."""
        if self.full:
            return
        self._rounds.append((_now_ms(), folds))
        self._count += sum(map(len, folds))
        self.full = self._count > _MOST_POINTS

    def children(self) -> list[Batch]:
        """Return a whole run for each fold."""
        return [self._child(number) for number in range(len(self._rounds[0][1]))] if self._rounds else []

    def _child(self, number: int) -> Batch:
        batch = Batch(start=RunStart("", f"fold {number}", self.began_ms, tags={Tags.AUTOLOGGING: "lightgbm"}))
        batch.params = {"fold": str(number)}
        for step, (now_ms, folds) in enumerate(self._rounds):
            for score in folds[number]:
                batch.add_metric(key_of(score[0], score[1]), float(score[2]), now_ms, step)
        batch.change = RunChange(RunStatus.FINISHED.value, _now_ms())
        return batch


_now: ContextVar[_Folds | None] = ContextVar("steno_lightgbm_folds", default=None)


def cv(call: Call) -> Generator[None, Any, None]:
    """Record a cross-validation."""
    given = call.arguments
    call.run.log_params(params.of_booster(given.get("params")))
    call.run.log_params(params.of_call(given, params.CV))
    data.log_datasets(call, given)
    rounds = Rounds(call.run, call.options.every_n_steps)
    callbacks.put_first(call, rounds)
    folds = _Folds()
    before = _now.set(folds)
    best = 0
    try:
        with keeping.training():
            result = yield
        best = getattr(rounds.model, "best_iteration", 0)
    finally:
        _now.reset(before)
        rounds.finish()
        rounds.model = None
    stopping.record(call.run, best, rounds.count, stopping.best_of(result, best))
    for child in folds.children():
        call.run.add_child(child)
    if folds.full:
        call.run.set_tags({"steno.folds_cut": f"the folds have more than {_MOST_POINTS} points; the rest was left out"})


def keep_folds(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """See the evaluations of all folds before LightGBM takes their means."""
    folds = _now.get()
    scores = args[0] if args else kwargs.get("raw_results")
    if folds is not None and isinstance(scores, list):
        folds.add(scores)


def runs_here() -> bool:
    """Whether a cross-validation is running: what its functions may train is none by itself."""
    return _now.get() is not None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
