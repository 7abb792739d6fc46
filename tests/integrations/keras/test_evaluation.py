"""What an evaluation leaves: with the run that trained the model, the active one, or its own."""

from __future__ import annotations

import pytest
import steno

from .conftest import NUMPY_WARNS, X, all_runs, history, net, only_run, y

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNS)


def test_an_evaluation_after_a_training_goes_to_its_run(autolog):
    model = net()
    model.fit(X, y, verbose=0)
    loss, accuracy = model.evaluate(X[:16], y[:16], verbose=0)
    again = model.evaluate(X[:16], y[:16], verbose=0, return_dict=True)
    run = only_run()
    assert history(run, "evaluate_loss") == [(0, loss), (1, again["loss"])]
    assert history(run, "evaluate_accuracy")[0] == (0, accuracy)
    assert run.info.status == "FINISHED"
    assert [each.tags[0].value for each in run.inputs.dataset_inputs] == ["train", "eval"]


def test_evaluations_of_a_model_nobody_saw_trained_are_one_run(autolog):
    model = net()
    values = [model.evaluate(X, y, verbose=0)[0] for _ in range(3)]
    assert history(only_run(), "evaluate_loss") == list(enumerate(values))


def test_an_evaluation_in_a_run_of_the_users_goes_there(autolog):
    model = net()
    model.fit(X, y, verbose=0)
    with steno.start_run() as mine:
        model.evaluate(X, y, verbose=0)
    runs = {run.info.run_id: run for run in all_runs()}
    assert len(runs) == 2
    assert "evaluate_loss" in runs[mine.run_id].data.metrics


def test_the_validation_of_a_training_is_no_evaluation(autolog):
    net().fit(X, y, epochs=2, validation_data=(X, y), verbose=0)
    assert not [name for name in only_run().data.metrics if name.startswith("evaluate_")]


def test_an_evaluation_that_raises_is_a_failed_run(autolog):
    with pytest.raises(ValueError, match="cardinality"):
        net().evaluate(X, y[:3], verbose=0)
    assert only_run().info.status == "FAILED"
