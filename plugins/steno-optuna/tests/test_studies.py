"""`Study.optimize`: one study is one run, each trial a run below it, and the user's search is as without us."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import optuna
import pytest
import steno
from optuna.trial import TrialState
from steno.records import Tags


def square(trial: Any) -> float:
    x = trial.suggest_float("x", -1, 1)
    return x * x


def study_of(**given: Any) -> Any:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **given)


@pytest.fixture(autouse=True)
def on() -> None:
    steno.autolog()


def test_a_study_is_a_run_and_each_trial_a_run_below_it(recorded):
    def objective(trial):
        x = trial.suggest_float("x", 0, 4, step=0.5)
        trial.suggest_categorical("kind", ["a", "b"])
        for step in range(3):
            trial.report(x + step, step)
        trial.set_user_attr("note", {"depth": 3})
        return x

    study = study_of(study_name="first", pruner=optuna.pruners.NopPruner())
    study.optimize(objective, n_trials=4)
    parent, trials = recorded.study(), recorded.trials()
    assert (parent.info.run_name, parent.info.status) == ("first", "FINISHED")
    assert parent.data.params == {"study_name": "first", "direction": "minimize"}
    assert parent.data.tags["sampler"] == "RandomSampler"
    assert parent.data.tags["pruner"] == "NopPruner"
    assert parent.data.tags["best_trial"] == str(study.best_trial.number)
    assert json.loads(parent.data.tags["best_params"])["kind"] == study.best_params["kind"]
    assert parent.data.tags["best_run_id"] == trials[study.best_trial.number].info.run_id
    assert {key: parent.data.metrics[key] for key in ("best_value", "n_trials", "n_complete")} == {
        "best_value": study.best_value,
        "n_trials": 4.0,
        "n_complete": 4.0,
    }
    for run, trial in zip(trials, study.trials, strict=True):
        assert (run.info.run_name, run.info.status) == (f"trial {trial.number}", "FINISHED")
        assert run.data.params == {"x": str(trial.params["x"]), "kind": trial.params["kind"]}
        assert run.data.tags["x_distribution"] == str(trial.distributions["x"])
        assert (run.data.tags["state"], run.data.tags["note.depth"]) == ("COMPLETE", "3")
        assert run.data.metrics["value"] == trial.value
        assert recorded.series(run, "intermediate_value") == list(trial.intermediate_values.items())
        assert run.info.start_time == int(trial.datetime_start.timestamp() * 1000)
        assert run.info.end_time == int(trial.datetime_complete.timestamp() * 1000)


def test_the_best_value_so_far_is_a_series(recorded):
    values = [5.0, 7.0, 3.0, 4.0, 1.0]
    study = study_of(direction="minimize")
    study.optimize(lambda trial: values[trial.number], n_trials=5)
    assert recorded.series(recorded.study(), "best_value") == [(0, 5.0), (2, 3.0), (4, 1.0)]
    study = study_of(direction="maximize", study_name="up")
    study.optimize(lambda trial: values[trial.number], n_trials=5)
    up = next(run for run in recorded.tops() if run.info.run_name == "up")
    assert recorded.series(up, "best_value") == [(0, 5.0), (1, 7.0), (4, 7.0)]


def test_trials_in_two_threads_are_one_study(recorded):
    study = study_of()
    study.optimize(square, n_trials=12, n_jobs=2)
    assert [run.data.tags["number"] for run in recorded.trials()] == [str(n) for n in range(12)]
    assert [run.data.metrics["value"] for run in recorded.trials()] == [trial.value for trial in study.trials]


def test_a_second_optimize_goes_on_in_the_same_run(recorded):
    study = study_of()
    study.optimize(square, n_trials=2)
    first = recorded.study().info
    study.optimize(square, n_trials=3, n_jobs=2)
    again = recorded.study()
    assert (again.info.run_id, again.info.status) == (first.run_id, "FINISHED")
    assert again.info.end_time >= first.end_time
    assert len(recorded.trials()) == 5
    assert again.data.metrics["n_trials"] == 5.0


def test_two_studies_are_two_runs(recorded):
    for _ in range(2):
        study_of(study_name="same name").optimize(square, n_trials=2)
    assert [len(recorded.below(each)) for each in recorded.tops()] == [2, 2]


def test_how_a_trial_ended_is_told(recorded):
    def objective(trial):
        trial.report(0.5, 0)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ArithmeticError("no good")
        return float("nan") if trial.number == 3 else 1.0

    study = study_of()
    study.optimize(objective, n_trials=4, catch=ArithmeticError)
    found = [(run.info.status, run.data.tags["state"]) for run in recorded.trials()]
    assert found == [("FINISHED", "COMPLETE"), ("FINISHED", "PRUNED"), ("FAILED", "FAIL"), ("FAILED", "FAIL")]
    _, pruned, raised, odd = recorded.trials()
    assert pruned.data.metrics["intermediate_value"] == 0.5
    assert raised.data.tags[Tags.END_REASON] == "ArithmeticError"
    assert "no good" in raised.data.tags[Tags.ERROR]
    assert "nan" in odd.data.tags[Tags.ERROR]
    parent = recorded.study()
    assert parent.info.status == "FINISHED"
    counts = {key: value for key, value in parent.data.metrics.items() if key.startswith("n_")}
    assert counts == {"n_trials": 4.0, "n_complete": 1.0, "n_pruned": 1.0, "n_fail": 2.0}


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("stop"), "FAILED", "ValueError"),
        (KeyboardInterrupt(), "KILLED", "SIGINT"),
        (SystemExit(0), "FAILED", "exit code 0"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_objective_that_raises_ends_trial_and_study(recorded, error, status, reason, jobs):
    failing = threading.Event()

    def objective(trial):
        if trial.number == 1:
            failing.set()
            raise error
        if jobs > 1:  # what the last of several threads raises Optuna may not look at
            failing.wait(10)
            time.sleep(0.05)
        return 1.0

    study = study_of()
    with pytest.raises(type(error)) as caught:
        study.optimize(objective, n_trials=8, n_jobs=jobs)
    assert caught.value is error
    parent, failed = recorded.study(), recorded.trials()[1]
    assert (parent.info.status, parent.data.tags[Tags.END_REASON]) == (status, reason)
    assert (failed.info.status, failed.data.tags[Tags.END_REASON]) == (status, reason)
    assert all(run.info.status == "FINISHED" for run in recorded.trials() if run.data.tags["number"] != "1")
    assert steno.active_run() is None

    study.optimize(square, n_trials=1)
    assert recorded.study().info.status == "FINISHED"
    assert Tags.END_REASON not in recorded.study().data.tags


def test_stop_and_timeout_end_a_study_well(recorded):
    study = study_of()
    study.optimize(square, callbacks=[lambda study, trial: study.stop() if trial.number == 2 else None])
    assert [run.info.status for run in recorded.trials()] == ["FINISHED"] * 3
    study.optimize(square, timeout=0.05)
    assert len(recorded.trials()) == len(study.trials)
    assert recorded.study().info.status == "FINISHED"


def test_the_users_callbacks_are_called_as_ever(recorded):
    seen: list[Any] = []
    study = study_of()
    study.optimize(square, n_trials=3, callbacks=(lambda study, trial: seen.append((study, trial.number)),))
    assert seen == [(study, 0), (study, 1), (study, 2)]
    study.optimize(square, 2, None, 1, (), [lambda study, trial: seen.append(trial.number)])
    assert seen[3:] == [3, 4]
    study.optimize(square, n_trials=2, callbacks=iter([lambda study, trial: seen.append("once")]))
    assert seen[5:] == ["once"]
    assert [run.data.tags["state"] for run in recorded.trials()] == ["COMPLETE"] * 7


def test_what_a_callback_logs_goes_to_the_study(recorded):
    study_of().optimize(
        square, 2, callbacks=[lambda study, trial: steno.log_metric("told", trial.number, trial.number)]
    )
    study_of(study_name="threads").optimize(
        square, 2, n_jobs=2, callbacks=[lambda study, trial: steno.log_metric("told", trial.number, trial.number)]
    )
    for parent in recorded.tops():
        assert sorted(recorded.series(parent, "told")) == [(0, 0.0), (1, 1.0)]


@pytest.mark.parametrize("callbacks", [5, lambda study, trial: None, [None]])
def test_callbacks_that_are_none_meet_optunas_own_error(recorded, callbacks):
    def message() -> str:
        with pytest.raises(TypeError) as caught:
            study_of().optimize(square, n_trials=2, callbacks=callbacks)
        return f"{caught.value} {[frame.name for frame in caught.traceback]}"

    ours = message()
    assert [run.info.status for run in recorded.trials()] == ["FINISHED"]
    assert recorded.study().info.status == "FAILED"
    steno.autolog(disable=True)
    assert ours == message()


def test_a_call_that_cannot_begin_leaves_no_run(recorded):
    with pytest.raises(TypeError):
        study_of().optimize(square, n_trials=1, no_such=1)
    study_of().optimize(square, n_trials=0)
    assert recorded.runs() == []


def test_several_objectives_have_a_value_each(recorded):
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)), n_trials=5)
    parent = recorded.study()
    assert parent.data.params["directions"] == "minimize, maximize"
    assert "best_value" not in parent.data.metrics
    for run, trial in zip(recorded.trials(), study.trials, strict=True):
        assert [run.data.metrics["value_0"], run.data.metrics["value_1"]] == trial.values
    if "best_trials" in parent.data.tags:  # where the budget allowed to ask for them
        assert parent.data.tags["best_trials"] == ", ".join(str(each.number) for each in study.best_trials)


def test_a_study_inside_a_trial_is_below_it(recorded):
    def outer(trial):
        inner = study_of(study_name=f"inner {trial.number}")
        inner.optimize(square, n_trials=2)
        steno.log_metric("inner_best", inner.best_value)
        return inner.best_value

    study_of(study_name="outer").optimize(outer, n_trials=2)
    for trial in recorded.trials():
        (inner,) = recorded.below(trial)
        assert inner.info.run_name == f"inner {trial.data.tags['number']}"
        assert [run.info.status for run in recorded.below(inner)] == ["FINISHED"] * 2
        assert trial.data.metrics["inner_best"] == inner.data.metrics["best_value"]


def test_in_a_run_of_the_users_the_trials_are_below_it(recorded):
    with steno.start_run(run_name="mine") as mine:
        study_of().optimize(square, n_trials=2)
        study_of().optimize(square, n_trials=2, n_jobs=2)
        assert steno.active_run() is mine
    assert recorded.study().info.run_id == mine.run_id
    assert len(recorded.trials()) == 4


def test_an_objective_may_begin_runs_of_its_own(recorded):
    def objective(trial):
        with steno.start_run(run_name="own"):
            steno.log_metric("loss", 0.5)
        with steno.start_run(run_name="nested", nested=True):
            pass
        return square(trial)

    study_of().optimize(objective, n_trials=1)
    (trial,) = recorded.trials()
    assert {run.info.run_name for run in recorded.below(trial)} == {"own", "nested"}
    assert trial.info.status == "FINISHED"


def test_an_objective_that_ends_the_active_run_changes_nothing(recorded):
    def objective(trial):
        steno.log_metric("loss", 0.5)
        steno.end_run()
        if trial.number:
            raise ValueError("late")
        return square(trial)

    study_of().optimize(objective, n_trials=2, catch=ValueError)
    first, second = recorded.trials()
    assert (first.info.status, first.data.tags["state"], "value" in first.data.metrics) == (
        "FINISHED",
        "COMPLETE",
        True,
    )
    assert second.info.status == "FAILED"
    assert Tags.END_REASON not in first.data.tags


@pytest.mark.parametrize("sampler", ["TPESampler", "RandomSampler", "NSGAIISampler"])
def test_a_seeded_sampler_draws_the_same(shape, sampler):
    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        for step in range(3):
            trial.report(x * x + step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return x * x + trial.suggest_int("n", 0, 5)

    def search() -> Any:
        drawn = getattr(optuna.samplers, sampler)(seed=7)
        study = optuna.create_study(sampler=drawn, pruner=optuna.pruners.MedianPruner(2))
        study.enqueue_trial({"x": 0.25})
        study.optimize(objective, n_trials=20)
        return shape(study)

    ours = search()
    steno.autolog(disable=True)
    assert ours == search()
    assert {TrialState.PRUNED, TrialState.COMPLETE} == {state for *_, state in ours}


def test_keys_and_values_that_no_store_takes_stop_nothing(recorded):
    def objective(trial):
        trial.suggest_float("learning rate (%)", 0, 1)
        trial.set_user_attr("", "empty")
        trial.set_user_attr("mlflow.parentRunId", "nobody")
        trial.set_user_attr("text", "\udcff" + "x" * 10_000)
        trial.report(float("inf"), 0)
        return 1.0

    study_of(study_name="odd \udcff").optimize(objective, n_trials=2)
    assert [run.info.status for run in recorded.trials()] == ["FINISHED"] * 2
    assert all("learning rate _" in next(iter(run.data.params)) for run in recorded.trials())


def test_switching_off_in_the_midst_stops_the_record_and_not_the_search(recorded):
    def objective(trial):
        if trial.number == 1:
            steno.autolog(disable=True)
        return 1.0

    study = study_of()
    study.optimize(objective, n_trials=4)
    assert len(study.trials) == 4
    assert recorded.study().info.status == "FINISHED"
    assert [run.info.status for run in recorded.trials()] == ["FINISHED"] * len(recorded.trials())


def test_an_exclusive_integration_leaves_the_users_run_alone(recorded):
    steno.autolog(exclusive=True)
    with steno.start_run():
        study_of().optimize(square, n_trials=2)
    assert len(recorded.runs()) == 1
    study_of().optimize(square, n_trials=2)
    assert len(recorded.runs()) == 4
