"""`StenoLogger`: Lightning's own way, alone and beside autologging."""

from __future__ import annotations

import pickle
from argparse import Namespace
from pathlib import Path

import pytest
import steno
from lightning.pytorch.callbacks import ModelCheckpoint
from steno.records import Tags

from .conftest import PACKAGES, Tiny, all_runs, artifacts, data, history, module_of, only_run, steps, trainer_of


@pytest.fixture
def logger_of(tracking, package):
    """The logger for one of the two packages."""
    namespace = {PACKAGES[name]: name for name in PACKAGES}[package]
    from importlib import import_module

    return import_module(f"steno.{namespace}").StenoLogger


@pytest.fixture
def StenoLogger(tracking):  # noqa: N802 - as users write it
    return steno.lightning.StenoLogger


def test_it_is_a_logger_of_its_package(logger_of, package):
    assert issubclass(logger_of, package.loggers.Logger)


def test_it_records_what_lightning_logs_and_ends_the_run(logger_of, package):
    logger = logger_of(experiment_name="mine", run_name="first", tags={"team": "blue"}, prefix="a")
    trainer_of(package, logger=logger, log_every_n_steps=1).fit(module_of(package)(), data(), data())
    run = only_run()
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    assert run.data.tags["team"] == "blue"
    assert steno.get_experiment(run.info.experiment_id).name == "mine"
    assert (logger.name, logger.version) == ("mine", run.info.run_id)
    assert steps(run, "a-train_loss_step") == list(range(8))  # Lightning counts for its loggers from 0
    assert steps(run, "a-val_loss") == [3, 7]
    assert run.data.params["hidden"] == "2"
    assert Tags.AUTOLOGGING not in run.data.tags


def test_a_failed_training_is_a_failed_run(StenoLogger):
    class Fails(Tiny):
        def training_step(self, batch, batch_idx):
            raise ArithmeticError("enough")

    with pytest.raises(ArithmeticError):
        trainer_of(logger=StenoLogger()).fit(Fails(), data())
    run = only_run()
    assert (run.info.status, run.data.tags[Tags.END_REASON]) == ("FAILED", "ArithmeticError")


def test_a_test_after_a_fit_goes_into_the_same_run(StenoLogger):
    trainer, module = trainer_of(logger=StenoLogger()), Tiny()
    trainer.fit(module, data(), data())
    trainer.test(module, data(), verbose=False)
    assert only_run().info.status == "FINISHED"
    assert {"train_loss_epoch", "val_loss", "test_loss"} <= set(only_run().data.metrics)


def test_a_run_that_is_named_is_gone_on_with(StenoLogger):
    with steno.start_run() as mine:
        steno.log_param("before", 1)
    logger = StenoLogger(run_id=mine.run_id)
    trainer_of(logger=logger).fit(Tiny(), data())
    run = only_run()
    assert run.info.status == "FINISHED"
    assert {"before", "hidden"} <= set(run.data.params)


def test_in_a_run_of_the_users_it_begins_none_and_ends_none(StenoLogger):
    with steno.start_run() as mine:
        trainer_of(logger=StenoLogger(tags={"team": "blue"})).fit(Tiny(), data())
        assert steno.active_run() is mine
    assert only_run().data.tags["team"] == "blue"
    assert history(only_run(), "train_loss_epoch")


def test_with_autologging_it_is_one_run_and_no_point_is_double(autolog, StenoLogger):
    autolog(log_models=True)
    logger = StenoLogger(run_name="explicit")
    trainer, module = trainer_of(logger=logger, log_every_n_steps=1), Tiny()
    trainer.fit(module, data(), data())
    trainer.test(module, data(), verbose=False)
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("explicit", "FINISHED")
    assert steps(run, "train_loss_step") == list(range(8))
    assert len(history(run, "val_loss")) == 2
    assert run.data.params["optimizer_name"] == "SGD"
    assert len(history(run, "test_loss")) == 1
    assert "model/MLmodel" in artifacts(run)


def test_checkpoints_are_copied_on_request(StenoLogger, tmp_path):
    keeps = ModelCheckpoint(tmp_path, monitor="val_loss", filename="{epoch}")
    logger = StenoLogger(log_model=True)
    trainer_of(logger=logger, enable_checkpointing=True, callbacks=[keeps]).fit(Tiny(), data(), data())
    name = Path(keeps.best_model_path).name
    folder = Path(name).stem
    assert artifacts(only_run()) == {f"{folder}/{each}" for each in (name, "metadata.yaml", "aliases.txt")}
    copy = steno.Client().download_artifacts(only_run().info.run_id, f"{folder}/{name}")
    assert Path(copy).read_bytes() == Path(keeps.best_model_path).read_bytes()


def test_all_checkpoints_are_copied_as_they_are_saved(StenoLogger, tmp_path):
    keeps = ModelCheckpoint(tmp_path, save_top_k=-1, filename="{epoch}")
    logger = StenoLogger(log_model="all")
    trainer_of(logger=logger, enable_checkpointing=True, callbacks=[keeps]).fit(Tiny(), data())
    assert {"epoch=0/epoch=0.ckpt", "epoch=1/epoch=1.ckpt"} <= artifacts(only_run())


def test_hyper_parameters_of_every_form_are_taken_and_odd_values_told(StenoLogger):
    logger = StenoLogger()
    logger.log_hyperparams(Namespace(lr=0.1, deep={"depth": 3}))
    logger.log_metrics({"good": 1.0, "bad": "text"}, 5)
    logger.log_metrics({"good": 2.0})
    logger.finalize("success")
    run = only_run()
    assert run.data.params == {"lr": "0.1", "deep.depth": "3"}
    assert sorted(history(run, "good")) == [(0, 2.0), (5, 1.0)]
    assert "bad" in run.data.tags["steno.left_out"]


def test_it_pickles_to_a_logger_of_the_same_run(StenoLogger):
    logger = StenoLogger(run_name="travels")
    run_id = logger.version
    copy = pickle.loads(pickle.dumps(logger))
    copy.log_metrics({"from afar": 1.0}, 1)
    copy.finalize("success")
    logger.finalize("success")
    assert only_run().info.run_id == run_id
    assert (only_run().info.status, history(only_run(), "from afar")) == ("FINISHED", [(1, 1.0)])


def test_above_rank_zero_it_is_silent(StenoLogger, monkeypatch):
    logger = StenoLogger()
    monkeypatch.setattr(logger.rank_zero, "rank", 1, raising=False)
    logger.log_metrics({"loss": 1.0}, 1)
    logger.log_hyperparams({"lr": 1})
    logger.finalize("success")
    assert all_runs() == []


def test_what_it_cannot_do_is_said_at_once(StenoLogger):
    with pytest.raises(steno.errors.InvalidValue, match="log_model"):
        StenoLogger(log_model="some")
