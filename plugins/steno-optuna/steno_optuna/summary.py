"""What is said of a study on its own run: what it is, how many trials it has, and which is the best."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from steno.autolog.params import flatten_params
from steno.contracts.integration import Run

from steno_optuna.trials import milliseconds

BEST_VALUE = "best_value"


def describe(run: Run, study: Any) -> None:
    """Say what the study is."""
    directions = [each.name.lower() for each in study.directions]
    run.log_param("study_name", study.study_name)
    if len(directions) == 1:
        run.log_param("direction", directions[0])
    else:
        run.log_param("directions", ", ".join(directions))
    # Both may be others the next time, which a param may not.
    run.set_tags({"sampler": type(study.sampler).__name__, "pruner": type(study.pruner).__name__})


def count(run: Run, states: Counter[TrialState]) -> None:
    """Say how many trials there are, in all and by state."""
    found = {f"n_{state.name.lower()}": float(number) for state, number in states.items() if number}
    run.log_metrics({"n_trials": float(sum(states.values())), "n_complete": 0.0, **found})


def states_of(trials: Iterable[FrozenTrial]) -> Counter[TrialState]:
    """Count trials by state."""
    return Counter(trial.state for trial in trials)


class Best:
    """The best trial as far as this process knows; Optuna is asked whenever one seems better, and seldom otherwise."""

    def __init__(self, study: Any) -> None:
        self.number = -1
        self._single = len(study.directions) == 1
        self._sign = -1.0 if self._single and study.directions[0] is StudyDirection.MAXIMIZE else 1.0
        self._value = float("inf")
        self._take(self._ask(study))

    def look(self, study: Any, frozen: FrozenTrial) -> FrozenTrial | None:
        """Return the trial if it is now the best."""
        if not self._single or frozen.state is not TrialState.COMPLETE or not self._is_better(frozen):
            return None
        # It may be infeasible, or another process ahead: Optuna has to say.
        best = self._ask(study)
        self._take(best)
        return frozen if best is not None and best.number == frozen.number else None

    def last(self, study: Any) -> FrozenTrial | None:
        """Return the best trial as Optuna has it: another process may have said something else meanwhile."""
        best = self._ask(study) if self._single else None
        self._take(best)
        return best

    def _is_better(self, frozen: FrozenTrial) -> bool:
        return self._sign * float(frozen.value or 0.0) < self._value

    def _take(self, best: FrozenTrial | None) -> None:
        if best is not None and best.value is not None:
            self.number, self._value = best.number, self._sign * float(best.value)

    def _ask(self, study: Any) -> FrozenTrial | None:
        try:
            found: FrozenTrial = study.best_trial
        except (ValueError, RuntimeError):  # none is complete, none is feasible, or there are several objectives
            return None
        return found


def name_best(run: Run, best: FrozenTrial, run_id: str) -> None:
    """Say which trial is the best."""
    params = flatten_params(best.params)
    run.set_tags({"best_trial": best.number, "best_params": json.dumps(params), "best_run_id": run_id})


def tell_best(run: Run, best: FrozenTrial, run_id: str, step: int) -> None:
    """Say which trial is the best now; the series has a point for each that was."""
    name_best(run, best, run_id)
    run.log_metric(BEST_VALUE, float(best.value or 0.0), step, milliseconds(best.datetime_complete) or None)


def close_series(run: Run, best: FrozenTrial, last: int) -> None:
    """Lead the series to the last trial: trials that others began earlier and ended later stand before it."""
    if best.number != last:
        run.log_metric(BEST_VALUE, float(best.value or 0.0), last)
