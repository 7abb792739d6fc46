"""Records every evaluation metric of every round."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from steno.autolog import contained
from steno.contracts.integration import Run

INTERVAL_S = 0.1
Round = tuple[int, float, Any]

_now_s = time.perf_counter


class Rounds:
    """The first of a training's callbacks: one after an early stopping would miss the last round.

    A round may take a fraction of a millisecond, in which code of ours is cold and slow. LightGBM makes a new list of
    scores in each: they are held, and written some times a second and when training ends.

    Attributes:
        order: Where it stands among callbacks.
        before_iteration: Whether it is called before a round; LightGBM asks.
        model: The booster, or the boosters of a cross-validation, while it is being trained.
        count: How many rounds the model has, those of a model that training goes on with among them.
    """

    order = -math.inf
    before_iteration = False

    def __init__(self, run: Run, every: int = 1) -> None:
        """Begin; each `every`-th round is recorded, and the last."""
        self.model: Any = None
        self.count = 0
        self._run = run
        self._every = every
        self._due_s = _now_s() + INTERVAL_S
        self._epoch_s = time.time() - _now_s()
        self._held: list[Round] = []

    @contained
    def __call__(self, env: Any) -> None:
        """Note the round, and write those since the last time if that is some time ago."""
        now_s = _now_s()
        self.model = env.model
        self._held.append((env.iteration, now_s, env.evaluation_result_list))
        if now_s >= self._due_s:
            self._due_s = now_s + INTERVAL_S
            self._record(self._held[:-1])  # which of them is the last is known at the end
            del self._held[:-1]

    def finish(self) -> None:
        """Write what is left, the last round in any case."""
        held, self._held = self._held, []
        if held:
            self.count = held[-1][0] + 1
            self._record(held[:-1])
            self._record(held[-1:], last=True)

    def _record(self, rounds: Sequence[Round], *, last: bool = False) -> None:
        points: list[tuple[str, int, int, float]] = []
        for step, now_s, scores in rounds:
            if last or step % self._every == 0:
                time_ms = int((self._epoch_s + now_s) * 1000)
                for key, value in values_of(scores):
                    try:
                        points.append((key, step, time_ms, float(value)))
                    except (TypeError, ValueError):  # a metric of the user's own may give anything
                        self._run.log_metric(key, value, step, time_ms)
        self._run.log_points(points)


def values_of(scores: Iterable[Any] | None) -> Iterator[tuple[str, Any]]:
    """Give what was measured in one round under MLflow's names.

    A score is a tuple: data, metric, value, whether more is better, and in a cross-validation the deviation over the
    folds. LightGBM before 4.6 calls the data of that "cv_agg", and the metric what is "valid" and "auc" later.
    """
    for score in scores or ():
        data, metric = score[0], score[1]
        if data == "cv_agg":
            data, _, metric = str(metric).partition(" ")
        key = key_of(data, metric)
        deviation = score[4] if len(score) > 4 else None
        if deviation is None:
            yield key, score[2]
        else:
            yield f"{key}-mean", score[2]
            yield f"{key}-stdv", deviation


def key_of(data: Any, metric: Any) -> str:
    """Return MLflow's name for a metric of a set of data."""
    return f"{data}-{metric}".replace("@", "_at_")
