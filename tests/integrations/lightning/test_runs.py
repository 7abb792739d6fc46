"""What a run of Lightning's tells: params, tags, summary, how it ended, and which calls make one."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path
from typing import Any

import lightning
import pytest
import steno
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.tuner import Tuner
from steno.records import Tags

from .conftest import Tiny, X, Y, all_runs, artifacts, data, history, module_of, only_run, trainer_of


def test_params_have_mlflows_names_and_the_users_come_first(autolog, package):
    module = module_of(package)(hidden=4, lr=0.5)
    trainer_of(package, gradient_clip_val=1.0).fit(module, data())
    params = only_run().data.params
    expected = {"epochs": "2", "optimizer_name": "SGD", "lr": "0.5", "momentum": "0", "weight_decay": "0"}
    expected |= {"hidden": "4", "gradient_clip_val": "1.0", "precision": "32-true", "num_devices": "1"}
    assert {key: params.get(key) for key in expected} == expected
    assert only_run().data.tags["Mode"] == "training"
    assert only_run().info.run_name == "Tiny"


def test_a_hyper_parameter_and_an_optimizers_default_of_one_name_are_both_kept(autolog):
    class Scaled(Tiny):
        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr / 10)

    trainer_of().fit(Scaled(lr=0.5), data())
    params = only_run().data.params
    assert (params["lr"], params["optimizer.lr"]) == ("0.5", "0.05")
    assert "steno.left_out" not in only_run().data.tags


def test_a_data_module_and_its_hyper_parameters_are_recorded(autolog):
    class Data(lightning.pytorch.LightningDataModule):
        def __init__(self, batch: int = 8):
            super().__init__()
            self.save_hyperparameters()

        def train_dataloader(self):
            return data()

    trainer_of().fit(Tiny(), datamodule=Data(batch=8))
    assert only_run().data.params["batch"] == "8"


def test_the_summary_is_a_text_and_runs_nothing_of_the_module(autolog):
    class Shown(Tiny):
        def __init__(self):
            super().__init__()
            self.example_input_array = X[:1]
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return super().forward(x)

    module = Shown()
    trainer_of(max_epochs=1).fit(module, data())
    assert module.calls == 4
    assert "model_summary.txt" in artifacts(only_run())
    path = steno.Client().download_artifacts(only_run().info.run_id, "model_summary.txt")
    text = Path(path).read_text("utf-8")
    assert "layers.2 | Linear" in text
    assert "11 parameters in all" in text


def test_the_data_is_described(autolog):
    trainer_of().fit(Tiny(), data())
    (entry,) = only_run().inputs.dataset_inputs
    assert '"features_shape": [32, 3]' in entry.dataset.profile


def test_early_stopping_tells_when_and_how_far(autolog):
    class Worse(Tiny):
        def validation_step(self, batch, batch_idx):
            self.log("val_loss", float(self.current_epoch))

    stop = EarlyStopping("val_loss", patience=2)
    trainer_of(max_epochs=9, callbacks=[stop]).fit(Worse(), data(), data())
    run = only_run()
    found = {key: run.data.metrics[key] for key in ("stopped_epoch", "restored_epoch", "best_score", "wait_count")}
    assert found == {"stopped_epoch": 2.0, "restored_epoch": 0.0, "best_score": 0.0, "wait_count": 2.0}
    params = run.data.params
    told = {key: params[key] for key in ("monitor", "mode", "patience", "min_delta", "stopped_epoch")}
    assert told == {"monitor": "val_loss", "mode": "min", "patience": "2", "min_delta": "0.0", "stopped_epoch": "0"}


def test_early_stopping_that_never_stopped_tells_no_epoch(autolog):
    trainer_of(callbacks=[EarlyStopping("val_loss", patience=9)]).fit(Tiny(), data(), data())
    assert "stopped_epoch" not in only_run().data.metrics
    assert "best_score" in only_run().data.metrics


def test_the_best_checkpoint_is_named(autolog, tmp_path):
    keeps = ModelCheckpoint(tmp_path / "kept", monitor="val_loss")
    trainer_of(enable_checkpointing=True, callbacks=[keeps]).fit(Tiny(), data(), data())
    tags = only_run().data.tags
    assert tags["best_model_path"] == keeps.best_model_path
    assert tags["checkpoint_monitor"] == "val_loss"
    assert float(tags["best_model_score"]) == pytest.approx(float(keeps.best_model_score))


def test_each_fit_is_a_run_and_a_run_of_the_users_takes_both(autolog):
    module = Tiny()
    for _ in range(2):
        trainer_of(max_epochs=1).fit(module, data())
    assert len(all_runs()) == 2
    with steno.start_run() as mine:
        for _ in range(2):
            trainer_of(max_epochs=1).fit(module, data())
    assert len(all_runs()) == 3
    assert len(history(steno.get_run(mine.run_id), "train_loss")) == 2


def test_a_test_is_a_run_of_its_own_that_tells_where_the_model_comes_from(autolog, package):
    module, trainer = module_of(package)(), trainer_of(package)
    trainer.fit(module, data(), data())
    (tested,) = trainer.test(module, data(), verbose=False)
    (validated,) = trainer.validate(module, data(), verbose=False)
    fitted, test, validation = all_runs()
    assert test.data.metrics == pytest.approx(tested)
    assert validation.data.metrics == pytest.approx(validated)
    assert history(test, "test_loss") == [(0, pytest.approx(tested["test_loss"]))]
    assert (test.data.tags["Mode"], validation.data.tags["Mode"]) == ("testing", "validation")
    assert test.data.tags["steno.trained_in"] == fitted.info.run_id
    assert test.info.run_name == "Tiny"


def test_a_test_inside_a_run_of_the_users_is_part_of_it(autolog):
    with steno.start_run():
        trainer, module = trainer_of(), Tiny()
        trainer.fit(module, data(), data())
        trainer.test(module, data(), verbose=False)
    assert {"train_loss", "val_loss", "test_loss"} <= set(only_run().data.metrics)


def test_predicting_makes_no_run(autolog):
    trainer_of().predict(Tiny(), torch.utils.data.DataLoader(X))
    assert all_runs() == []


def test_a_development_run_is_a_run(autolog):
    trainer_of(fast_dev_run=True).fit(Tiny(), data(), data())
    assert only_run().data.params["fast_dev_run"] == "True"
    assert history(only_run(), "train_loss_step")[0][0] == 1


def test_a_tuners_trials_make_no_run(autolog):
    trainer = trainer_of()
    module = Tiny()
    Tuner(trainer).lr_find(module, data(), num_training=5)
    assert all_runs() == []
    trainer.fit(module, data())
    assert only_run().info.status == "FINISHED"


def test_a_trainer_of_the_users_own_is_one_run(autolog):
    class Own(lightning.pytorch.Trainer):
        def fit(self, *args: Any, **kwargs: Any) -> None:
            super().fit(*args, **kwargs)

    options = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    Own(max_epochs=1, accelerator="cpu", enable_checkpointing=False, **options).fit(Tiny(), data(), data())
    assert len(all_runs()) == 1


def test_an_error_of_the_users_is_a_failed_run_with_what_came_before(autolog):
    class Fails(Tiny):
        def training_step(self, batch, batch_idx):
            if batch_idx == 2:
                raise ArithmeticError("enough")
            return super().training_step(batch, batch_idx)

    trainer = trainer_of()
    with pytest.raises(ArithmeticError, match="enough"):
        trainer.fit(Fails(), data())
    run = only_run()
    assert (run.info.status, run.data.tags[Tags.END_REASON]) == ("FAILED", "ArithmeticError")
    assert [step for step, _ in history(run, "train_loss_step")] == [1, 2]
    assert [type(each).__module__.partition(".")[0] for each in trainer.callbacks] == []


def test_ctrl_c_is_a_killed_run(autolog):
    class Interrupted(Tiny):
        def on_train_epoch_end(self):
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit):
            trainer_of().fit(Interrupted(), data())
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning ignores it from then on
    run = only_run()
    assert (run.info.status, run.data.tags[Tags.END_REASON]) == ("KILLED", "SIGINT")


def test_training_goes_on_from_a_checkpoint_where_it_was(autolog, tmp_path):
    trainer = trainer_of(max_epochs=1)
    trainer.fit(Tiny(), data())
    trainer.save_checkpoint(tmp_path / "there.ckpt")
    trainer_of(max_epochs=3).fit(Tiny(), data(), ckpt_path=tmp_path / "there.ckpt")
    run = all_runs()[1]
    assert [step for step, _ in history(run, "train_loss")] == [8, 12]
    assert [epoch for _, epoch in history(run, "epoch")] == [1.0, 2.0]


def test_callbacks_are_as_they_were_and_checkpoints_hold_nothing_of_ours(autolog, tmp_path):
    mine = lightning.pytorch.callbacks.Timer()

    class Configured(Tiny):
        def configure_callbacks(self):
            return [EarlyStopping("val_loss")]

    keeps = ModelCheckpoint(tmp_path, save_last=True)
    trainer = trainer_of(enable_checkpointing=True, callbacks=[mine, keeps])
    trainer.fit(Configured(), data(), data())
    assert [type(each).__name__ for each in trainer.callbacks] == ["Timer", "EarlyStopping", "ModelCheckpoint"]
    for path in tmp_path.glob("*.ckpt"):
        assert b"teno" not in path.read_bytes()
    assert Y.shape == (32, 1)


def test_the_command_line_of_lightnings_is_watched(autolog):
    from lightning.pytorch.cli import LightningCLI

    class Data(lightning.pytorch.LightningDataModule):
        def train_dataloader(self):
            return data()

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "accelerator": "cpu"}
    LightningCLI(
        Tiny,
        Data,
        args=["fit", "--model.hidden=3", "--trainer.max_epochs=1", "--trainer.enable_checkpointing=false"],
        trainer_defaults=quiet,
        save_config_callback=None,
    )
    assert only_run().data.params["hidden"] == "3"


def test_a_trainer_pickles_while_it_is_watched(autolog):
    trainer = trainer_of()
    assert pickle.loads(pickle.dumps(lightning.pytorch.Trainer.fit)) is lightning.pytorch.Trainer.fit
    trainer.fit(Tiny(), data())
    assert b"steno" not in pickle.dumps(lightning.pytorch.Trainer)
