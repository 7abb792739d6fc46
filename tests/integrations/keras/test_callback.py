"""`StenoCallback`: recording without autologging, or beside it."""

from __future__ import annotations

import pytest
import steno
from steno.errors import InvalidValue

from .conftest import NUMPY_WARNS, X, all_runs, artifacts, history, net, only_run, y

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNS)


def test_it_is_found_below_both_names():
    from steno.keras import StenoCallback
    from steno_tensorflow import callback

    assert StenoCallback is callback.StenoCallback
    assert steno.tensorflow.StenoCallback is StenoCallback


def test_it_records_a_training_to_a_run_of_its_own(tracking):
    net().fit(X, y, epochs=2, callbacks=[steno.keras.StenoCallback(log_model=True)], verbose=0)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert [step for step, _ in history(run, "loss")] == [0, 1]
    assert run.data.params["opt_learning_rate"].startswith("0.001")
    assert artifacts(run) >= {"model_summary.txt", "model/data/model.keras", "model/MLmodel"}


def test_it_records_to_the_active_run_and_leaves_it_open(tracking):
    with steno.start_run() as mine:
        net().fit(X, y, epochs=2, callbacks=[steno.keras.StenoCallback(every_n_steps=1)], verbose=0, batch_size=32)
        assert steno.active_run() is mine
    run = only_run()
    assert [step for step, _ in history(run, "loss_step")] == [0, 1, 2, 3]


def test_it_records_to_the_run_it_is_given(tracking):
    with steno.start_run() as mine:
        pass
    other = steno.start_run()
    steno.end_run()
    handle = steno.start_run(run_id=mine.run_id)
    net().fit(X, y, callbacks=[steno.keras.StenoCallback(handle)], verbose=0)
    steno.end_run()
    runs = {run.info.run_id: run for run in all_runs()}
    assert "loss" in runs[mine.run_id].data.metrics
    assert "loss" not in runs[other.run_id].data.metrics


def test_beside_autologging_nothing_is_recorded_twice(autolog):
    callback = steno.keras.StenoCallback(every_n_steps=1)
    net().fit(X, y, epochs=2, callbacks=[callback], verbose=0, batch_size=32)
    run = only_run()
    assert [step for step, _ in history(run, "loss")] == [0, 1]
    assert [step for step, _ in history(run, "learning_rate")] == [0, 1]
    assert [step for step, _ in history(run, "loss_step")] == [0, 1, 2, 3]


def test_a_callback_is_used_again(tracking):
    callback = steno.keras.StenoCallback()
    for _ in range(2):
        net().fit(X, y, callbacks=[callback], verbose=0)
    assert [run.info.status for run in all_runs()] == ["FINISHED", "FINISHED"]


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_steps_that_cannot_be_are_refused(every):
    with pytest.raises(InvalidValue, match="every_n_steps"):
        steno.keras.StenoCallback(every_n_steps=every)
