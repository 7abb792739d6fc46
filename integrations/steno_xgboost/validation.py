"""What is recorded round `xgboost.cv`: means and deviations of every round, and a child run for each fold."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any

from steno.autolog import contained
from steno.contracts.integration import Call
from steno.records import Batch, RunChange, RunStart, RunStatus, Tags
from steno.tracking.deferred import deferred

from steno_xgboost import callbacks, data, params, stopping
from steno_xgboost.rounds import Rounds

_MOST_POINTS = 100_000


class _Folds:
    """What each fold scored, round by round."""

    def __init__(self) -> None:
        self.began_ms = _now_ms()
        self.points: list[list[tuple[str, float, int, int]]] = []
        self.full = False
        self._rounds = self._count = 0

    def add(self, lines: list[str]) -> None:
        """Take the evaluation of one round: a line for each fold, "[3]\\ttest-auc:0.9\\t…"."""
        step, now_ms = self._rounds, _now_ms()
        self._rounds += 1
        if self.full:
            return
        if not self.points:
            self.points = [[] for _ in lines]
        for points, line in zip(self.points, lines, strict=True):
            for word in line.split()[1:]:
                key, _, value = word.rpartition(":")
                points.append((key.replace("@", "_at_"), float(value), now_ms, step))
                self._count += 1
        self.full = self._count > _MOST_POINTS

    def children(self) -> list[Batch]:
        """Return a whole run for each fold."""
        return [self._child(number, points) for number, points in enumerate(self.points)]

    def _child(self, number: int, points: list[tuple[str, float, int, int]]) -> Batch:
        batch = Batch(start=RunStart("", f"fold {number}", self.began_ms, tags={Tags.AUTOLOGGING: "xgboost"}))
        batch.params = {"fold": str(number)}
        for key, value, now_ms, step in points:
            batch.add_metric(key, value, now_ms, step)
        batch.change = RunChange(RunStatus.FINISHED.value, _now_ms())
        return batch


_now: ContextVar[_Folds | None] = ContextVar("steno_xgboost_folds", default=None)


def cv(call: Call) -> Generator[None, Any, None]:
    """Record a cross-validation."""
    given = call.arguments
    call.run.log_params(params.of_booster(given.get("params")))
    call.run.log_params(params.of_call(given, params.CV))
    data.log_matrices(call, given)
    rounds = _CvRounds(call.run, call.options.every_n_steps, one_by_one=given.get("custom_metric") is not None)
    callbacks.put_first(call, rounds)
    folds = _Folds()
    before = _now.set(folds)
    try:
        with deferred.training():
            yield
    finally:
        _now.reset(before)
        rounds.finish()
    if stopping.took_part(given) and rounds.best is not None:
        stopping.record(call.run, rounds, *rounds.best)
    for child in folds.children():
        call.run.add_child(child)
    if folds.full:
        call.run.set_tags({"steno.folds_cut": f"the folds have more than {_MOST_POINTS} points; the rest was left out"})


def keep_folds(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """See the evaluations of all folds before XGBoost takes their means."""
    folds = _now.get()
    lines = args[0] if args else kwargs.get("rlist")
    if folds is not None and isinstance(lines, list):
        folds.add(lines)


def runs_here() -> bool:
    """Whether a cross-validation is running: what its functions may train is none by itself."""
    return _now.get() is not None


class _CvRounds(Rounds):
    """The rounds of a cross-validation, whose boosters nobody gets."""

    best: tuple[int, float] | None = None

    def after_training(self, model: Any) -> Any:
        """Note which round was best, if early stopping looked for it."""
        self._note(model)
        return model

    @contained
    def _note(self, model: Any) -> None:
        if model.attr("best_iteration") is not None:
            # XGBoost 2.1 keeps the score with its deviation, "(0.34, 0.01)", and cannot read that itself.
            score = str(model.attr("best_score")).strip("()").partition(",")[0]
            self.best = model.best_iteration, float(score)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
