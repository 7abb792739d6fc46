"""The model of a loop: described when its run begins, kept when it ends."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import steno
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from .conftest import artifacts, net, only_run, steps


def train(count=3):
    model = net()
    steps(model, torch.optim.SGD(model.parameters(), lr=0.1), count)
    return model


def ended():
    steno.autolog(disable=True)
    return only_run()


def test_it_is_kept_as_the_training_left_it(autolog):
    autolog(log_models=True)
    wanted = parameters_to_vector(train().parameters())  # the model itself is gone by now
    run = ended()
    loaded = steno.pytorch.load_model(f"runs:/{run.info.run_id}/model")
    assert torch.equal(parameters_to_vector(loaded.parameters()), wanted)


def test_it_is_described(autolog):
    train()
    run = only_run()
    assert (run.data.params["model"], run.data.params["n_parameters"]) == ("Sequential", "21")
    text = steno.Client().download_artifacts(run.info.run_id, "model_summary.txt")
    assert "Linear" in Path(text).read_text()


def test_each_of_several_is_kept_under_its_name(autolog):
    autolog(log_models=True)

    def gan():
        netD, netG = net(), net()
        optimizers = [torch.optim.SGD(each.parameters(), lr=0.1) for each in (netD, netG)]
        for _ in range(3):
            steps(netD, optimizers[0], 1)
            steps(netG, optimizers[1], 1)

    gan()
    found = artifacts(ended())
    assert {"netD/MLmodel", "netG/MLmodel"} <= found


def test_parts_that_one_optimizer_trains_are_kept_each(autolog):
    autolog(log_models=True)

    def train():
        encoder, decoder = nn.Linear(3, 2), nn.Linear(2, 1)
        optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)
        for _ in range(3):
            decoder(encoder(torch.ones(2, 3))).square().mean().backward()
            optimizer.step()

    train()
    assert {"encoder/MLmodel", "decoder/MLmodel"} <= artifacts(ended())


def test_the_whole_is_kept_rather_than_what_holds_it(autolog):
    autolog(log_models=True)

    def train():
        whole = nn.ModuleDict({"net": net(), "other": nn.Linear(2, 2)})
        steps(whole["net"], torch.optim.SGD(whole["net"].parameters(), lr=0.1), 3)

    train()
    assert only_run().data.params["n_parameters"] == "21"


def test_without_models_nothing_is_kept_or_held(autolog):
    model = weakref.ref(train())
    gc.collect()
    assert model() is None
    assert not any(path.startswith("model/") for path in artifacts(ended()))


def test_a_large_model_is_not_held_and_the_run_says_so(autolog, monkeypatch):
    monkeypatch.setattr("steno_torch.finding.STRONG_BYTES", 10)
    autolog(log_models=True)
    train()
    assert "gone" in ended().data.tags["steno.model_not_kept"]


def test_of_a_training_that_failed_no_model_is_kept(autolog):
    autolog(log_models=True)
    try:
        with steno.start_run():
            train()
            raise ArithmeticError
    except ArithmeticError:
        pass
    assert "error" in only_run().data.tags["steno.model_not_kept"]


def test_in_a_users_run_it_is_there_when_the_run_has_ended(autolog):
    autolog(log_models=True)
    with steno.start_run():
        train()
    assert "model/MLmodel" in artifacts(only_run())


def test_a_model_that_cannot_be_kept_harms_nothing(autolog):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 1)
            self.rows = (row for row in range(3))

        def forward(self, inputs):
            return self.inner(inputs)

        def __getstate__(self):
            raise RuntimeError("no state")

    autolog(log_models=True)
    model = Odd()
    steps(model, torch.optim.SGD(model.parameters(), lr=0.1), 3)
    run = ended()
    assert run.info.status == "FINISHED"
    assert "steno.model_not_kept" in run.data.tags or "model/MLmodel" in artifacts(run)
