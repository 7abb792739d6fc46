"""What a training of Keras leaves: params, each epoch, the optimizer, early stopping; and how it ends."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import steno

from .conftest import NUMPY_WARNS, X, all_runs, artifacts, history, net, only_run, weights_of, y

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNS)


def test_each_epoch_is_a_point_of_each_metric(autolog):
    result = net().fit(X, y, epochs=3, batch_size=16, validation_data=(X, y), verbose=0)
    run = only_run()
    assert run.info.status == "FINISHED"
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert history(run, name) == list(enumerate(result.history[name]))
    assert [step for step, _ in history(run, "learning_rate")] == [0, 1, 2]
    assert run.data.metrics["validation_loss"] == result.history["val_loss"][-1]


def test_the_arguments_of_fit_and_the_optimizer_are_params(autolog):
    net(optimizer=keras.optimizers.SGD(0.5, momentum=0.25)).fit(
        X, y, epochs=2, class_weight={0: 1.0, 1: 2.0}, verbose=0
    )
    params = only_run().data.params
    expected = {"epochs": "2", "batch_size": "32", "shuffle": "True", "class_weight": "{0: 1.0, 1: 2.0}"}
    expected |= {"opt_learning_rate": "0.5", "opt_momentum": "0.25", "validation_split": "0.0"}
    assert {name: params[name] for name in expected} == expected
    assert {"x", "y", "callbacks", "verbose", "validation_data"}.isdisjoint(params)


def test_a_schedule_is_told_by_its_class_and_settings_and_each_epochs_rate(autolog):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2, 4], [0.5, 0.25, 0.125])
    net(optimizer=keras.optimizers.SGD(schedule)).fit(X, y, epochs=3, batch_size=32, verbose=0)
    run = only_run()
    assert run.data.params["opt_learning_rate"] == "PiecewiseConstantDecay"
    assert run.data.params["opt_learning_rate.boundaries"] == "[2, 4]"
    assert history(run, "learning_rate") == [(0, 0.5), (1, 0.5), (2, 0.25)]


def test_the_rate_of_an_epoch_is_the_one_it_was_trained_with(autolog):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 ** (epoch + 1))
    net(optimizer=keras.optimizers.SGD(8.0)).fit(X, y, epochs=3, callbacks=[halve], verbose=0)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=100.0)
    net(optimizer=keras.optimizers.SGD(1.0)).fit(X, y, epochs=3, callbacks=[plateau], verbose=0)
    scheduled, reduced = all_runs()
    assert history(scheduled, "learning_rate") == [(0, 0.5), (1, 0.25), (2, 0.125)]
    assert [step for step, _ in history(reduced, "learning_rate")] == [0, 1, 2]
    assert history(reduced, "learning_rate")[0] == (0, 1.0)


def test_early_stopping_says_where_it_stopped_and_whose_weights_are_left(autolog):
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=1.0, restore_best_weights=True)
    result = net().fit(X, y, epochs=9, validation_data=(X, y), callbacks=[stopping], verbose=0)
    run = only_run()
    assert {name: run.data.metrics[name] for name in ("stopped_epoch", "restored_epoch", "best_epoch")} == {
        "stopped_epoch": 2.0,
        "restored_epoch": 0.0,
        "best_epoch": 0.0,
    }
    assert run.data.metrics["best_score"] == result.history["val_loss"][0]
    assert history(run, "val_loss")[-1] == (3, result.history["val_loss"][0])
    assert run.data.params["monitor"] == "val_loss"
    assert run.data.params["min_delta"] == "1.0"
    assert len(result.history["loss"]) == 3, "the user's history has no epoch more"


def test_early_stopping_that_never_stopped_has_no_stopped_epoch(autolog):
    net().fit(X, y, epochs=2, callbacks=[keras.callbacks.EarlyStopping("loss", patience=9)], verbose=0)
    metrics = only_run().data.metrics
    assert "stopped_epoch" not in metrics
    assert "restored_epoch" not in metrics


def test_a_second_training_of_a_model_is_a_run_of_its_own_and_counts_on_where_it_is_told_to(autolog):
    model = net()
    model.fit(X, y, epochs=2, verbose=0)
    model.fit(X, y, epochs=4, initial_epoch=2, verbose=0)
    first, second = all_runs()
    assert [step for step, _ in history(first, "loss")] == [0, 1]
    assert [step for step, _ in history(second, "loss")] == [2, 3]


def test_both_trainings_go_into_a_run_of_the_users(autolog):
    model = net()
    with steno.start_run():
        model.fit(X, y, epochs=2, verbose=0)
        model.fit(X, y, epochs=4, initial_epoch=2, verbose=0)
    assert [step for step, _ in history(only_run(), "loss")] == [0, 1, 2, 3]


class Own(keras.Model):
    """A subclassed model with its own step, whose logs are not all numbers."""

    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(1, "sigmoid")

    def call(self, inputs):
        return self.head(inputs)

    def train_step(self, data):
        import tensorflow as tf

        x, target = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=target, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"own loss": loss, "recall@3": 0.5, "note": "text"}


def test_a_subclassed_model_with_its_own_step_is_recorded_and_what_is_no_number_is_named(autolog):
    model = Own()
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    model.fit(X, y, epochs=2, verbose=0)
    run = only_run()
    assert run.info.run_name == "Own"
    assert [step for step, _ in history(run, "own loss")] == [0, 1]
    assert run.data.metrics["recall_at_3"] == 0.5
    assert "note" in run.data.tags["steno.left_out"]


class Overriding(keras.Sequential):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


def test_a_model_that_overrides_fit_is_one_run(autolog):
    keras.utils.set_random_seed(0)
    model = Overriding([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, y, verbose=0)
    assert only_run().info.run_name == "Overriding"


def test_a_loss_that_is_no_number_any_more_is_recorded_as_such(autolog):
    net().fit(X * np.float32("nan"), y, epochs=2, verbose=0)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert len(history(run, "loss")) == 2
    assert all(np.isnan(value) for _, value in history(run, "loss"))


def test_a_training_that_raises_keeps_what_was_before(autolog):
    class Failing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise ArithmeticError("the user's own")

    with pytest.raises(ArithmeticError):
        net().fit(X, y, epochs=5, callbacks=[Failing()], verbose=0)
    run = only_run()
    assert run.info.status == "FAILED"
    assert [step for step, _ in history(run, "loss")] == [0]
    assert run.data.params["opt_name"].startswith("adam")


def test_ctrl_c_ends_the_run_as_killed(autolog):
    class Interrupting(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net().fit(X, y, epochs=5, callbacks=[Interrupting()], verbose=0)
    assert only_run().info.status == "KILLED"


def test_a_model_that_was_not_compiled_fails_as_ever(autolog):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="compile"):
        model.fit(X, y, verbose=0)
    assert only_run().info.status == "FAILED"


def test_a_wrong_argument_fails_as_ever(autolog):
    with pytest.raises(TypeError, match="no_such"):
        net().fit(X, y, no_such=1)


def test_batches_are_recorded_where_they_are_asked_for_in_place_of_epochs(autolog):
    autolog(log_every_epoch=False, log_every_n_steps=2)
    net().fit(X, y, epochs=2, batch_size=16, validation_data=(X, y), verbose=0)
    run = only_run()
    assert [step for step, _ in history(run, "loss")] == [1, 3, 5, 7]
    assert [step for step, _ in history(run, "val_loss")] == [0, 1]


def test_batches_are_recorded_beside_epochs_too(autolog):
    autolog(every_n_steps=3)
    net(steps_per_execution=1).fit(X, y, epochs=2, batch_size=16, verbose=0)
    run = only_run()
    assert [step for step, _ in history(run, "loss")] == [0, 1]
    assert [step for step, _ in history(run, "loss_step")] == [2, 5]


def test_keras_is_given_no_reason_to_wait_for_batches(autolog):
    from steno_tensorflow.recorder import BatchRecorder, Recorder

    plain = keras.callbacks.Callback
    for hook in ("on_batch_end", "on_train_batch_begin", "on_train_batch_end", "on_test_batch_end"):
        assert getattr(Recorder, hook) is getattr(plain, hook)
    assert BatchRecorder.async_safe


def test_every_optimizer_of_a_model_is_told(autolog):
    model = net()
    model.second = keras.optimizers.SGD(0.125)
    model.fit(X, y, verbose=0)
    params = only_run().data.params
    assert params["opt_name"].startswith("adam")
    assert params["opt_second_learning_rate"] == "0.125"


def test_the_summary_is_an_artifact_and_nothing_is_printed(autolog, capfd):
    net().fit(X, y, verbose=0)
    run = only_run()
    assert capfd.readouterr() == ("", "")
    assert artifacts(run) == {"model_summary.txt"}
    text = steno.Client().load_text(run.info.run_id, "model_summary.txt")
    assert "Trainable params: 5" in text


def test_checkpoints_are_written_only_where_they_are_asked_for(autolog):
    autolog(checkpoint=True, checkpoint_monitor="loss", checkpoint_save_weights_only=True)
    net().fit(X, y, epochs=2, verbose=0)
    assert artifacts(only_run()) >= {
        "checkpoints/latest_checkpoint.weights.h5",
        "checkpoints/latest_checkpoint_metrics.json",
    }


def test_the_users_model_is_left_as_training_alone_leaves_it(autolog):
    autolog(disable=True)
    steno.autolog(disable=True)
    plain = net(keras.layers.Dropout(0.5))
    plain_result = plain.fit(X, y, epochs=2, verbose=0)
    steno.autolog()
    watched = net(keras.layers.Dropout(0.5))
    result = watched.fit(X, y, epochs=2, verbose=0)
    assert weights_of(watched) == weights_of(plain)
    assert result.history == plain_result.history
    assert sorted(vars(watched)) == sorted(vars(plain))
    assert watched.stop_training is plain.stop_training
    assert sorted(result.history) == ["accuracy", "loss"]
