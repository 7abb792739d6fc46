"""Optuna under the suite that every integration passes."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from steno.testing.integration import IntegrationSuite


def shape(study: Any) -> Any:
    return [(trial.number, trial.params, trial.values) for trial in study.trials]


def objective(trial: Any) -> float:
    x = trial.suggest_float("x", -1, 1)
    trial.report(x, 0)
    return x * x


def bad(trial: Any) -> float:
    if trial.number == 1:
        raise ValueError("the second trial fails")
    return objective(trial)


class TestOptimize(IntegrationSuite):
    name = "optuna"

    def train(self) -> Any:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=2))
        study.optimize(objective, n_trials=4)
        return study

    def fail(self) -> None:
        optuna.create_study().optimize(bad, n_trials=3)

    def shown(self, result: Any) -> Any:
        return shape(result)


class TestTwoThreads(IntegrationSuite):
    name = "optuna"
    ways = ()

    def train(self) -> Any:
        study = optuna.create_study(sampler=optuna.samplers.GridSampler({"x": [0.1, 0.2, 0.3]}, seed=0))
        study.optimize(objective, n_trials=3, n_jobs=2)
        return study

    def fail(self) -> None:
        optuna.create_study().optimize(bad, n_trials=8, n_jobs=2)

    # What a thread's advice is shown is changed by the other thread meanwhile.
    test_what_the_user_gives_and_gets_is_left_alone = None

    def shown(self, result: Any) -> Any:
        return sorted((trial.params["x"], trial.value) for trial in result.trials)


class TestByHand(IntegrationSuite):
    name = "optuna"
    loop = True
    ways = ("fork",)

    def train(self) -> Any:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(3):
            trial = study.ask()
            study.tell(trial, objective(trial))
        return study

    def fail(self) -> None:
        study = optuna.create_study()
        trial = study.ask()
        study.tell(trial, objective(trial))
        study.tell(trial, 1.0)

    def shown(self, result: Any) -> Any:
        return shape(result)


@pytest.fixture(autouse=True)
def _not_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite breaks advice, and wants that to be contained."""
    monkeypatch.delenv("STENO_STRICT", raising=False)
