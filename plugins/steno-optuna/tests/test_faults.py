"""What fails on our side or the user's storage: the search goes on, and says what it would have said."""

from __future__ import annotations

import logging
from typing import Any

import optuna
import pytest
import steno
import steno_optuna.identity
import steno_optuna.studies
import steno_optuna.summary
import steno_optuna.trials
from optuna.storages import InMemoryStorage


class Flaky(InMemoryStorage):
    """A storage of the user's that fails to give the list of trials now and then."""

    fails = False

    def get_all_trials(self, *args: Any, **kwargs: Any) -> Any:
        if self.fails and kwargs.get("states") is None:
            raise ConnectionError("the database is away")
        return super().get_all_trials(*args, **kwargs)


def objective(trial: Any) -> float:
    x = trial.suggest_float("x", -1, 1)
    trial.report(x, 0)
    if trial.number == 2:
        raise ValueError("the third")
    return x * x


def search(shape: Any, **given: Any) -> Any:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **given)
    study.optimize(objective, n_trials=5, catch=ValueError)
    return shape(study)


@pytest.mark.parametrize(
    "broken",
    [
        "identity.id_of_study",
        "identity.id_of_trial",
        "studies.SharedSession",
        "studies.OpenTrial",
        "summary.describe",
        "summary.Best",
        "summary.tell_best",
        "summary.count",
        "trials.facts_of",
        "trials.OpenTrial.end",
        "trials.OpenTrial.report",
    ],
)
def test_whatever_of_ours_fails_the_search_is_the_same(recorded, shape, monkeypatch, broken):
    monkeypatch.delenv("STENO_STRICT")
    plain = search(shape)

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(f"steno_optuna.{broken}", fails)
    if broken == "identity.id_of_trial":
        monkeypatch.setattr(steno_optuna.studies.identity, "id_of_trial", fails)
    steno.autolog()
    assert search(shape) == plain
    assert steno.active_run() is None
    assert all(run.info.status != "RUNNING" for run in recorded.runs())


def test_a_storage_that_fails_at_our_question_fails_at_nothing_else(shape, monkeypatch):
    monkeypatch.delenv("STENO_STRICT")
    storage = Flaky()
    steno.autolog()
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    storage.fails = True
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1), n_trials=3)
    storage.fails = False
    assert len(study.trials) == 3
    assert steno.active_run() is None


def test_a_storage_that_is_away_at_the_end_leaves_no_run_open(recorded, monkeypatch):
    monkeypatch.delenv("STENO_STRICT")
    storage = Flaky()
    steno.autolog()
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: Any) -> float:
        storage.fails = trial.number == 1
        if trial.number == 1:
            raise ValueError("the second")
        return 1.0

    with pytest.raises(ValueError, match="the second"):
        study.optimize(objective, n_trials=3)
    assert steno.active_run() is None
    assert recorded.study().info.status == "FAILED"
    assert [run.info.status for run in recorded.trials()] == ["FINISHED", "KILLED"]


def test_a_hook_point_that_is_missing_costs_only_what_it_records(recorded, monkeypatch, caplog):
    monkeypatch.delattr("optuna.study._optimize._log_failed_trial")
    monkeypatch.setattr("optuna.study._optimize._log_failed_trial", None, raising=False)
    steno.autolog()
    study = optuna.create_study()
    with caplog.at_level(logging.WARNING, "steno"):
        study.optimize(lambda trial: 1.0, n_trials=2)
    assert [run.data.tags["state"] for run in recorded.trials()] == ["COMPLETE"] * 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_users_output_and_log_are_the_same(monkeypatch, caplog, jobs):
    def said() -> list[str]:
        caplog.clear()
        optuna.logging.enable_propagation()
        optuna.logging.set_verbosity(optuna.logging.INFO)
        try:
            study = optuna.create_study(study_name="s", sampler=optuna.samplers.GridSampler({"x": [1, 2, 3]}, seed=0))
            study.optimize(
                lambda trial: trial.suggest_int("x", 1, 3) / (trial.number != 1), n_trials=3, catch=Exception
            )
        finally:
            optuna.logging.disable_propagation()
            optuna.logging.set_verbosity(optuna.logging.ERROR)
        return [record.getMessage() for record in caplog.records]

    plain = said()
    steno.autolog()
    assert said() == plain
    assert any("ZeroDivisionError" in line for line in plain)
