"""A loop of `partial_fit` is one run, each call a step."""

from __future__ import annotations

import gc

import numpy as np
import steno
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB

from .conftest import all_runs, history, only_run


def batches(iris, size=30):
    X, y = iris
    order = np.random.default_rng(0).permutation(len(y))
    return [(X[part], y[part]) for part in np.split(order, len(y) // size)]


def test_a_loop_is_one_run(autolog, iris):
    model = SGDClassifier(loss="log_loss", random_state=0)
    for X, y in batches(iris):
        model.partial_fit(X, y, classes=[0, 1, 2])
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("SGDClassifier", "RUNNING")
    assert run.data.tags["mlflow.autologging"] == "sklearn"
    assert history(run, "samples_seen") == [(step, 30.0 * step) for step in range(2, 6)]
    assert "training_accuracy_score" in run.data.metrics


def test_the_run_ends_with_the_estimator(autolog, iris):
    model = GaussianNB()
    for X, y in batches(iris):
        model.partial_fit(X, y, classes=[0, 1, 2])
    del model
    gc.collect()
    assert only_run().info.status == "FINISHED"


def test_a_single_call_is_no_loop(autolog, iris):
    GaussianNB().partial_fit(*iris, classes=[0, 1, 2])
    assert all_runs() == []


def test_in_a_users_run_it_is_recorded_there(autolog, iris):
    with steno.start_run(run_name="mine"):
        model = GaussianNB()
        for X, y in batches(iris):
            model.partial_fit(X, y, classes=[0, 1, 2])
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert run.data.metrics["samples_seen"] == len(iris[1])


def test_a_later_score_finds_the_run(autolog, iris):
    X, y = iris
    model = GaussianNB()
    for part in batches(iris):
        model.partial_fit(*part, classes=[0, 1, 2])
    value = model.score(X, y)
    assert only_run().data.metrics["GaussianNB_score_X"] == value
