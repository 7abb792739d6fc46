"""`ask` and `tell`: trials that no call contains."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import optuna
import pytest
import steno
from optuna.trial import TrialState
from steno.records import Tags


def study_of(**given: Any) -> Any:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **given)


@pytest.fixture(autouse=True)
def on() -> None:
    steno.autolog()


def test_each_trial_that_is_told_is_a_run(recorded):
    study = study_of()
    for number in range(3):
        trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        trial.report(0.5, 0)
        steno.log_metric("mine", number)
        study.tell(trial, trial.params["x"])
        assert steno.active_run() is None
    study.tell(study.ask(), state=TrialState.PRUNED)
    study.tell(study.ask(), state=TrialState.FAIL)
    assert recorded.study().info.status == "RUNNING"
    steno.autolog(disable=True)
    assert recorded.study().info.status == "FINISHED"
    found = [(run.info.status, run.data.tags["state"]) for run in recorded.trials()]
    assert found == [("FINISHED", "COMPLETE")] * 3 + [("FINISHED", "PRUNED"), ("FAILED", "FAIL")]
    assert [run.data.metrics.get("mine") for run in recorded.trials()] == [0.0, 1.0, 2.0, None, None]
    assert recorded.study().data.metrics["n_trials"] == 5.0
    assert recorded.study().data.metrics["best_value"] == study.best_value


def test_of_several_trials_at_once_none_is_active(recorded):
    study = study_of()
    trials = [study.ask() for _ in range(3)]
    assert steno.active_run() is None
    for trial in trials:
        study.tell(trial.number, trial.suggest_float("x", 0, 1))
    assert [run.data.tags["state"] for run in recorded.trials()] == ["COMPLETE"] * 3


def test_a_trial_told_in_another_thread_is_over_here_too(recorded):
    study = study_of()
    trial = study.ask()
    assert steno.active_run() is not None
    with ThreadPoolExecutor(1) as pool:
        pool.submit(study.tell, trial, 1.0).result()
    assert steno.active_run() is None
    assert [run.info.status for run in recorded.trials()] == ["FINISHED"]


def test_telling_again_what_is_over_adds_nothing(recorded):
    study = study_of()
    trial = study.ask()
    study.tell(trial, 1.0)
    study.tell(trial, 2.0, skip_if_finished=True)
    with pytest.raises(ValueError, match="Cannot tell"):
        study.tell(trial, 3.0)
    (run,) = recorded.trials()
    assert recorded.series(run, "value") == [(0, 1.0)]


def test_a_study_that_is_left_ends(recorded):
    study = study_of()
    study.tell(study.ask(), 1.0)
    left = study.ask()
    assert steno.active_run() is not None
    del study, left
    gc.collect()
    deadline = time.monotonic() + 10
    while recorded.study().info.status == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert recorded.study().info.status == "FINISHED"
    assert [run.info.status for run in recorded.trials()] == ["FINISHED", "KILLED"]
    assert recorded.trials()[1].data.tags[Tags.END_REASON] == "unfinished"
    assert steno.active_run() is None


def test_optimize_goes_on_where_asking_left_off(recorded):
    study = study_of()
    study.tell(study.ask(), 1.0)
    study.optimize(lambda trial: 2.0, n_trials=2)
    assert recorded.study().info.status == "FINISHED"
    study.tell(study.ask(), 0.5)
    assert len(recorded.trials()) == 4
    assert recorded.study().info.status == "RUNNING"


def test_a_trial_asked_for_before_watching_is_recorded_when_it_is_told(recorded):
    steno.autolog(disable=True)
    study = study_of()
    trial = study.ask()
    x = trial.suggest_float("x", 0, 1)
    trial.report(0.25, 3)
    steno.autolog()
    study.tell(trial, x)
    (run,) = recorded.trials()
    assert run.data.metrics == {"value": x, "intermediate_value": 0.25}
    assert run.data.params == {"x": str(x)}
