"""Every metric that is logged in a fit: each step, each epoch, each validation, once and at its step."""

from __future__ import annotations

import math
import warnings

import lightning
import pytest
import steno
import torch
from lightning.pytorch.loggers import CSVLogger

from .conftest import Tiny, all_runs, data, history, module_of, only_run, steps, trainer_of, values


def test_each_step_and_each_epoch_has_its_point(autolog, package):
    module = module_of(package)()
    trainer_of(package, max_epochs=3).fit(module, data(), data())
    run = only_run()
    assert steps(run, "train_loss_step") == list(range(1, 13))
    assert values(run, "train_loss_step") == pytest.approx(module.losses, rel=1e-6)
    means = [sum(module.losses[at : at + 4]) / 4 for at in (0, 4, 8)]
    for key in ("train_loss", "train_loss_epoch"):
        assert steps(run, key) == [4, 8, 12]
        assert values(run, key) == pytest.approx(means, rel=1e-5)
    assert history(run, "epoch") == [(4, 0.0), (8, 1.0), (12, 2.0)]


def test_a_validation_is_recorded_once_and_the_sanity_check_is_not(autolog, package):
    module = module_of(package)()
    trainer_of(package, num_sanity_val_steps=2).fit(module, data(), data())
    validated = module.val_losses[2:]
    means = [sum(validated[at : at + 4]) / 4 for at in (0, 4)]
    assert steps(only_run(), "val_loss") == [4, 8]
    assert values(only_run(), "val_loss") == pytest.approx(means, rel=1e-5)


def test_validations_within_an_epoch_are_at_their_steps(autolog):
    trainer_of(val_check_interval=2).fit(Tiny(), data(), data())
    assert steps(only_run(), "val_loss") == [2, 4, 6, 8]


def test_what_early_stopping_reads_is_not_recorded_twice(autolog):
    stop = lightning.pytorch.callbacks.EarlyStopping("val_loss", patience=9)

    class Reads(Tiny):
        def on_validation_end(self):
            _ = self.trainer.callback_metrics, self.trainer.logged_metrics

        on_train_epoch_end = on_validation_end

        def on_train_batch_end(self, *args):
            _ = self.trainer.callback_metrics

    trainer_of(callbacks=[stop], logger=CSVLogger(".")).fit(Reads(), data(), data())
    run = only_run()
    assert {key: len(history(run, key)) for key in ("val_loss", "train_loss", "train_loss_step")} == {
        "val_loss": 2,
        "train_loss": 2,
        "train_loss_step": 8,
    }


def test_accumulated_batches_are_one_step(autolog):
    module = Tiny()
    trainer_of(accumulate_grad_batches=2).fit(module, data())
    run = only_run()
    assert steps(run, "train_loss_step") == [1, 2, 3, 4]
    assert values(run, "train_loss_step") == pytest.approx(module.losses[1::2], rel=1e-6)
    assert steps(run, "train_loss") == [2, 4]
    assert run.data.params["accumulate_grad_batches"] == "2"


def test_every_n_steps_and_every_n_epochs_thin_the_series(autolog):
    autolog(every_n_steps=3, log_every_n_epoch=2)
    trainer_of(max_epochs=3).fit(Tiny(), data(), data())
    run = only_run()
    assert steps(run, "train_loss_step") == [3, 6, 9, 12]
    assert steps(run, "val_loss") == [4, 12]


def test_manual_optimization_is_recorded_batch_by_batch(autolog):
    class Adversarial(Tiny):
        automatic_optimization = False

        def training_step(self, batch, batch_idx):
            first, second = self.optimizers()
            for optimizer, name in ((first, "loss_d"), (second, "loss_g")):
                loss = self.loss(batch)
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
                self.log(name, loss)

        def configure_optimizers(self):
            return [torch.optim.SGD(self.layers[0].parameters(), 0.1), torch.optim.Adam(self.layers[2].parameters())]

    trainer_of(max_epochs=1).fit(Adversarial(), data())
    run = only_run()
    assert steps(run, "loss_d") == steps(run, "loss_g") == [2, 4, 6, 8]  # two optimizers: two steps a batch
    params = run.data.params
    assert (params["optimizer_name"], params["optimizer_1.optimizer_name"]) == ("SGD", "Adam")


def test_a_metric_for_no_logger_and_a_metric_of_some_batches_are_there(autolog):
    class Sparing(Tiny):
        def training_step(self, batch, batch_idx):
            loss = self.loss(batch)
            self.log("hidden", loss, logger=False)
            if batch_idx == 2:
                self.log("sometimes", 7.0)
            return loss

    trainer_of(max_epochs=1).fit(Sparing(), data())
    assert steps(only_run(), "hidden") == [1, 2, 3, 4]
    assert history(only_run(), "sometimes")[0] == (3, 7.0)


def test_the_learning_rate_is_there_as_often_as_it_changes(autolog):
    class Scheduled(Tiny):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]

    trainer_of(max_epochs=3).fit(Scheduled(), data())
    assert history(only_run(), "lr") == [(1, 0.1), (5, 0.05), (9, 0.025)]
    assert only_run().data.params["lr_scheduler.name"] == "StepLR"


def test_nan_is_a_value(autolog):
    class Lost(Tiny):
        def training_step(self, batch, batch_idx):
            loss = super().training_step(batch, batch_idx) * float("nan")
            self.log("lost", loss)
            return loss

    trainer_of(max_epochs=1).fit(Lost(), data())
    run = only_run()
    assert all(map(math.isnan, values(run, "lost")))
    assert len(values(run, "lost")) == 4
    assert run.info.status == "FINISHED"


def test_a_name_that_no_store_takes_is_left_out_and_told(autolog):
    class Odd(Tiny):
        def training_step(self, batch, batch_idx):
            self.log("acc@5", 1.0)
            return super().training_step(batch, batch_idx)

    trainer_of(max_epochs=1).fit(Odd(), data())
    assert "acc@5" in only_run().data.tags["steno.left_out"]
    assert len(history(only_run(), "train_loss_step")) == 4


def test_what_the_user_logs_inside_goes_to_the_same_run(autolog):
    class Own(Tiny):
        def on_train_epoch_end(self):
            steno.log_metric("own", 1.0, self.current_epoch)

    trainer_of().fit(Own(), data())
    assert steps(only_run(), "own") == [0, 1]


def test_a_raw_loop_inside_is_silent(autolog):
    steno.autolog(log_models=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer_of(logger=True, default_root_dir=".").fit(Tiny(), data())  # TensorBoard's writer is inside as well
    run = only_run()
    assert steps(run, "train_loss_step") == list(range(1, 9))
    assert "loss" not in run.data.metrics
    assert len(all_runs()) == 1


def test_metrics_of_a_device_arrive_without_being_waited_for(autolog):
    """No device is needed: `meta` tensors have no value, and reading one raises."""
    from steno_lightning.values import Values, taken

    held = taken(torch.empty((), device="meta"))
    run: list[str] = []
    found = Values(run)
    found.take({"loss": held}, 1, 0)
    found.write()
    assert isinstance(held, torch.Tensor)
    assert run == []
