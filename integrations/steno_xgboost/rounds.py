"""Records every evaluation metric of every round."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from steno.autolog import contained
from steno.contracts.integration import Run
from xgboost.callback import TrainingCallback

Log = Mapping[str, Mapping[str, list[Any]]]
INTERVAL_S = 0.1

_now_s = time.perf_counter


class Rounds(TrainingCallback):  # type: ignore[misc]  # XGBoost is not analysed
    """The first of a training's callbacks: one after an early stopping would miss the last round.

    A round may take a millisecond, in which code of ours is cold and slow. XGBoost keeps all scores itself: they are
    read some times a second, and when training ends. A round that takes longer than that is recorded at once.

    Attributes:
        offset: Rounds of the model that training goes on with, if it does; steps are counted from there.
        count: Rounds since.
    """

    def __init__(self, run: Run, every: int = 1, *, goes_on: bool = False, one_by_one: bool = False) -> None:
        """Begin.

        Args:
            run: Where to.
            every: Record each n-th round, and the last.
            goes_on: Rounds are added to a model that has some.
            one_by_one: Read each round at once: a metric of the user's own may leave rounds out, and later nobody
                could say which.
        """
        super().__init__()
        self.offset = self.count = 0
        self._run = run
        self._every = every
        self._goes_on = goes_on
        self._interval_s = 0.0 if one_by_one else INTERVAL_S
        self._times_s: list[float] = []
        self._due_s = _now_s() + self._interval_s
        self._epoch_s = time.time() - _now_s()
        self._log: Log = {}
        self._read: dict[tuple[str, str], int] = {}
        self._late: dict[int, dict[str, float]] = {}

    def __hash__(self) -> int:
        """Return what comes first in a set: XGBoost before 3.1 keeps its callbacks in one, and goes by its order."""
        return 0

    def after_iteration(self, model: Any, epoch: int, evals_log: Log) -> bool:
        """Note the round, and record those since the last time if that is some time ago."""
        now_s = _now_s()
        self._times_s.append(now_s)
        if not self.count:
            self._begin(model, evals_log)
        self.count += 1
        if now_s >= self._due_s:
            self._write(now_s)
        return False

    @contained
    def _begin(self, model: Any, evals_log: Log) -> None:
        self._log = evals_log
        # Asked before its first round, a booster would configure itself early, and warn in another place.
        if self._goes_on:
            self.offset = int(model.num_boosted_rounds()) - 1

    @contained
    def _write(self, now_s: float) -> None:
        self._due_s = now_s + self._interval_s
        self._record()

    def finish(self) -> None:
        """Record what is left, and the last round if it was none of each n-th."""
        self._record()
        for index, values in self._late.items():
            self._log_round(index, values)

    def take(self, log: Log) -> None:
        """Record all rounds of a training that is over."""
        self._log = log
        self.count = max((len(scores) for metrics in log.values() for scores in metrics.values()), default=0)
        self._times_s = [_now_s()] * self.count
        self.finish()

    def values_at(self, step: int) -> dict[str, float]:
        """Return what was measured in one round."""
        index = step - self.offset
        values: dict[str, float] = {}
        for data, metrics in self._log.items():
            for metric, scores in metrics.items():
                if 0 <= index < len(scores):
                    values.update(_named(data, metric, scores[index]))
        return values

    def _record(self) -> None:
        rows: dict[int, dict[str, float]] = {}
        for data, metrics in self._log.items():
            for metric, scores in metrics.items():
                # Of a metric that leaves rounds out, the newest score is the newest round's.
                shift = 0 if self._interval_s else self.count - len(scores)
                for index in range(self._read.get((data, metric), 0), len(scores)):
                    rows.setdefault(index + shift, {}).update(_named(data, metric, scores[index]))
                self._read[data, metric] = len(scores)
        for index in sorted(rows):
            if index % self._every == 0:
                self._log_round(index, rows[index])
            self._late = {} if index % self._every == 0 else {index: rows[index]}

    def _log_round(self, index: int, values: dict[str, float]) -> None:
        self._run.log_metrics(values, self.offset + index, int((self._epoch_s + self._times_s[index]) * 1000))


def _named(data: str, metric: str, score: Any) -> dict[str, float]:
    """Return a score under MLflow's name for it; of a fold's mean and deviation, under the result's columns."""
    key = f"{data}-{metric}".replace("@", "_at_")
    if isinstance(score, tuple):
        return {f"{key}-mean": float(score[0]), f"{key}-std": float(score[1])}
    return {key: score}
