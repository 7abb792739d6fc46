"""A module in words and numbers, and its copy that further training cannot change."""

from __future__ import annotations

import copy

import lightning.pytorch
import pytest
import torch
from steno.autolog import keeping
from steno.errors import ModelError
from steno.models import load_model, save_model
from steno_torch import modules
from steno_torch.archive_state import Taken
from torch import nn


def net(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2))


def restored(snapshot, tmp_path):
    save_model(snapshot.restore(), tmp_path / "model", flavor=snapshot.flavor)
    return load_model(tmp_path / "model")


def step(module):
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    module(torch.randn(8, 3)).sum().backward()
    optimizer.step()


def test_a_snapshot_is_the_module_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "AT_ONCE_BYTES", 0)
    module = net()
    step(module)
    before = copy.deepcopy(module.state_dict())
    snapshot = modules.snapshot(module)
    assert not snapshot.at_once
    step(module)
    module[0] = nn.Identity()
    loaded = restored(snapshot, tmp_path)
    assert all(torch.equal(before[name], value) for name, value in loaded.state_dict().items())
    assert [type(each) for each in loaded] == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]


def test_a_snapshot_leaves_the_module_alone():
    module = net().train()
    module(torch.randn(8, 3)).sum().backward()
    module.register_full_backward_hook(lambda *_: None)
    grads = [each.grad for each in module.parameters()]
    before, state = copy.deepcopy(vars(module)).keys(), torch.get_rng_state()
    modules.snapshot(module)
    modules.summary(module)
    modules.describe(module)
    assert vars(module).keys() == before
    assert all(a is b.grad for a, b in zip(grads, module.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert module.training


def test_a_snapshot_counts_what_it_holds_and_takes_tied_weights_once():
    module = nn.Sequential(nn.Linear(100, 100, bias=False), nn.Linear(100, 100, bias=False))
    module[1].weight = module[0].weight
    assert modules.snapshot(module).size_bytes == 40_000
    held = modules.snapshot(nn.Linear(200, 200)).restore()
    assert isinstance(held, Taken)
    assert held.size_bytes == 4 * (200 * 200 + 200)


def test_a_small_module_is_written_at_once_when_its_writer_is_there(monkeypatch, tmp_path):
    import sys

    import safetensors.torch

    assert safetensors.torch
    assert modules.snapshot(net()).at_once
    assert not modules.snapshot(nn.Linear(400, 400)).at_once
    monkeypatch.delitem(sys.modules, "safetensors.torch")
    assert not modules.snapshot(net()).at_once


def test_a_module_that_is_too_large_is_refused_without_a_copy(monkeypatch):
    monkeypatch.setattr(modules, "MOST_BYTES", 100)
    monkeypatch.setattr(modules, "_on_host", lambda tensors: pytest.fail("copied"))
    snapshot = modules.snapshot(net())
    assert snapshot.at_once
    with pytest.raises(ModelError, match=r"steno\.log_model"):
        snapshot.restore()
    assert keeping.MOST_BYTES > 100


def test_what_compiles_or_spreads_a_module_is_taken_off(tmp_path):
    inner = net()
    wrapped = torch.compile(nn.DataParallel(inner), backend="eager")
    assert modules.unwrapped(wrapped) is inner
    assert modules.describe(wrapped)["model"] == "Sequential"
    assert type(restored(modules.snapshot(wrapped), tmp_path)) is nn.Sequential


def test_views_of_one_memory_come_back_each_with_its_values(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "AT_ONCE_BYTES", 0)
    flat = torch.arange(6.0)
    module = nn.ParameterDict(
        {"all": nn.Parameter(flat), "head": nn.Parameter(flat[:2]), "even": nn.Parameter(flat[::2])}
    )
    loaded = restored(modules.snapshot(module), tmp_path)
    assert {name: value.tolist() for name, value in loaded.items()} == {
        "all": [0, 1, 2, 3, 4, 5],
        "head": [0, 1],
        "even": [0, 2, 4],
    }


def test_a_module_is_described_by_its_class_and_size():
    module = net()
    module[3].requires_grad_(False)
    assert modules.describe(module) == {
        "model": "Sequential",
        "n_parameters": "34",
        "n_trainable": "24",
        "size_mb": "0.0001678",
    }
    assert modules.describe(nn.Linear(512, 512))["size_mb"] == "1.002"


def test_the_summary_lists_every_layer_and_the_sum():
    module = net()
    module[3].requires_grad_(False)
    lines = modules.summary(module).splitlines()
    assert lines[0].split() == ["layer", "class", "parameters", "trainable", "size", "(MB)"]
    assert [line.split()[1] for line in lines[2:7]] == ["Sequential", "Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert lines[6].split()[:4] == ["3", "Linear", "10", "0"]
    assert lines[-4:] == [
        "Parameters: 34",
        "Trainable parameters: 24",
        "Frozen parameters: 10",
        "Size with buffers: 0.0001678 MB",
    ]


def test_the_summary_of_a_very_large_module_is_bounded():
    module = nn.Sequential(*(nn.ReLU() for _ in range(2000)))
    lines = modules.summary(module).splitlines()
    assert len(lines) < modules.SUMMARY_ROWS + 20
    assert "... and 1501 further layers" in lines


@pytest.mark.parametrize("module", [nn.LazyLinear(3), nn.Sequential(nn.LazyConv2d(2, 1))], ids=["bare", "inside"])
def test_layers_without_a_shape_yet_are_described_all_the_same(module):
    assert modules.describe(module)["n_parameters"] == "0"
    assert "?" in modules.summary(module)


def test_a_lightning_module_is_taken_without_what_trains_it():
    module = lightning.pytorch.LightningModule()
    module.layer = nn.Linear(2, 2)
    module._trainer = object()
    taken = modules.snapshot(module).restore()
    assert list(taken.tensors) == ["layer.weight", "layer.bias"]
    assert taken.tree is not None
