"""The trained module is with its run: the best checkpoint where there is one, else as it was when the fit ended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import steno
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from steno.errors import ModelError
from steno_lightning import copies

from .conftest import Tiny, X, artifacts, data, only_run, trainer_of


def kept() -> dict[str, torch.Tensor]:
    """The weights of the model of the one run."""
    from safetensors.torch import load_file

    folder = steno.Client().download_artifacts(only_run().info.run_id, "model")
    return load_file(next(Path(folder).rglob("*.safetensors")))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


class Rising(Tiny):
    """Gets worse from epoch to epoch, as far as anyone can tell."""

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", float(self.current_epoch))


def test_the_module_is_kept_as_it_was_when_the_fit_ended(autolog):
    autolog(log_models=True)
    module = Tiny()
    trainer_of().fit(module, data())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for parameter in module.parameters():  # the user goes on with it at once
        parameter.data.zero_()
    assert same(kept(), before)
    (logged,) = steno.search_logged_models(output_format="list")
    assert (logged.name, logged.source_run_id) == ("model", only_run().info.run_id)


def test_the_best_checkpoint_is_the_model_even_if_its_file_is_gone(autolog, tmp_path):
    autolog(log_models=True)
    keeps = ModelCheckpoint(tmp_path / "kept", monitor="val_loss")
    module = Rising()
    trainer_of(max_epochs=3, enable_checkpointing=True, callbacks=[keeps]).fit(module, data(), data())
    best = torch.load(keeps.best_model_path, weights_only=True)["state_dict"]
    shutil.rmtree(tmp_path / "kept")
    assert same(kept(), best)
    assert not same(kept(), module.state_dict())
    assert only_run().data.tags["steno.model_from"] == "the best checkpoint"


def test_a_checkpoint_that_holds_a_type_of_the_users_gives_way_to_the_last_weights(autolog, tmp_path):
    class Peculiar(Rising):
        def on_save_checkpoint(self, checkpoint):
            checkpoint["own"] = Path  # a class, which reading would have to import

    autolog(log_models=True)
    keeps = ModelCheckpoint(tmp_path, monitor="val_loss")
    module = Peculiar()
    trainer_of(enable_checkpointing=True, callbacks=[keeps]).fit(module, data(), data())
    assert same(kept(), module.state_dict())
    assert "the last step" in only_run().data.tags["steno.model_from"]


def test_checkpoints_are_where_mlflows_users_find_them(autolog, tmp_path):
    autolog(log_models=True)
    keeps = ModelCheckpoint(tmp_path, monitor="val_loss", filename="best")
    stop = EarlyStopping("val_loss", patience=1)
    trainer_of(max_epochs=5, enable_checkpointing=True, callbacks=[keeps, stop]).fit(Rising(), data(), data())
    run = only_run()
    assert run.data.tags["mlflow.latest_checkpoint_artifact"] == "checkpoints/latest_checkpoint.pth"
    found = artifacts(run)
    assert {"checkpoints/latest_checkpoint.pth", "restored_model_checkpoint/best.ckpt"} <= found
    path = steno.Client().download_artifacts(run.info.run_id, "checkpoints/latest_checkpoint_metrics.json")
    assert json.loads(Path(path).read_text()) == {"epoch": 0, "global_step": 4, "val_loss": 0.0}
    copy = steno.Client().download_artifacts(run.info.run_id, "checkpoints/latest_checkpoint.pth")
    assert Path(copy).read_bytes() == Path(keeps.best_model_path).read_bytes()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"checkpoint": False}, set()),
        ({"checkpoint_save_weights_only": True}, {"latest_checkpoint.weights.pth", "latest_checkpoint_metrics.json"}),
        (
            {"checkpoint_save_best_only": False},
            {f"epoch_{n}/checkpoint{end}" for n in (0, 1) for end in (".pth", "_metrics.json")},
        ),
    ],
)
def test_the_options_for_checkpoints_are_mlflows(autolog, tmp_path, options, expected):
    autolog(log_models=True, **options)
    keeps = ModelCheckpoint(tmp_path, monitor="val_loss", save_top_k=2)
    trainer_of(enable_checkpointing=True, callbacks=[keeps]).fit(Tiny(), data(), data())
    found = {path.removeprefix("checkpoints/") for path in artifacts(only_run()) if path.startswith("checkpoints/")}
    assert found == expected


def test_without_models_nothing_of_them_is_kept(autolog, tmp_path):
    keeps = ModelCheckpoint(tmp_path, monitor="val_loss")
    trainer_of(enable_checkpointing=True, callbacks=[keeps]).fit(Tiny(), data(), data())
    assert artifacts(only_run()) == {"model_summary.txt"}


def test_the_signature_comes_from_a_call_of_the_users(autolog):
    autolog(log_models=True)
    module = Tiny()
    trainer_of().fit(module, data())
    assert not module._forward_hooks
    path = steno.Client().download_artifacts(only_run().info.run_id, "model/MLmodel")
    text = Path(path).read_text()
    assert '"shape": [-1, 3]' in text
    assert "outputs:" in text


def test_a_module_that_cannot_be_written_is_told(autolog):
    autolog(log_models=True)

    class Unfinished(Tiny):
        def __init__(self):
            super().__init__()
            self.spare = torch.nn.LazyLinear(2)  # never run: its weights have no shape

        def configure_optimizers(self):
            return torch.optim.SGD(self.layers.parameters(), lr=0.1)

    trainer_of().fit(Unfinished(), data())
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "spare" in run.data.tags["steno.model_not_kept"]


def test_a_module_that_no_other_process_can_rebuild_is_told_on_the_run_alone(autolog, caplog):
    autolog(log_models=True)

    class Hidden(Tiny):
        pass

    trainer_of().fit(Hidden(), data())
    tags = only_run().data.tags
    assert "only the weights are kept" in tags["steno.model_remark"]
    assert [record.getMessage() for record in caplog.records if record.name == "steno.models"] == []
    with pytest.raises(ModelError, match="Hidden"):
        steno.pytorch.load_model(f"runs:/{only_run().info.run_id}/model")


def test_a_copy_shares_what_is_no_tensor_and_keeps_what_is_tied(autolog):
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    module.append(module[0])
    module.data = data()
    copy = copies.copied(module)
    assert copy[2] is copy[0]
    assert copy.data is module.data
    before = copy(X)
    with torch.no_grad():
        module[0].weight.zero_()
        module[1].running_mean.fill_(9.0)
    copy.train(False)
    assert not torch.equal(copy[0].weight, module[0].weight)
    assert not torch.equal(copy[1].running_mean, module[1].running_mean)
    assert before.requires_grad
    assert copies.size_bytes(module) == 4 * (9 + 3 + 3 + 3 + 3 + 3) + 8
