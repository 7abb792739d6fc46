"""A program is written without copies of its weights, and byte for byte as PyTorch writes it."""

from __future__ import annotations

import io
import warnings
import zipfile

import numpy as np
import pytest
import torch
from steno.models import load_model, save_model
from steno_torch import archive_pt2
from torch import nn

from .conftest import exports

pytestmark = exports
X = torch.linspace(-1, 1, 12).reshape(3, 4)


class Entangled(nn.Module):
    """Weights that are tied, empty, half as wide, parts of others, turned over, and not in the state dict."""

    def __init__(self):
        super().__init__()
        self.first = self.again = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.empty, self.none = nn.Parameter(torch.zeros(0)), nn.Parameter(torch.zeros(0, 3))
        self.halves = nn.Parameter(torch.randn(4).half(), requires_grad=False)
        whole = torch.randn(8)
        self.register_buffer("head", whole[:4])
        self.register_buffer("middle", whole[2:6])
        self.register_buffer("turned", torch.randn(3, 4).t())
        self.register_buffer("beside", torch.ones(2), persistent=False)

    def forward(self, x):
        shift = self.head + self.middle + self.halves.float() + self.turned.sum() + self.beside.sum()
        return self.again(self.norm(self.first(x))) + shift + self.empty.sum() + self.none.sum()


class Retyped(nn.Module):
    """The same memory as numbers of two types."""

    def __init__(self):
        super().__init__()
        self.register_buffer("reals", torch.randn(4))
        self.register_buffer("bits", self.reals.view(torch.int32))

    def forward(self, x):
        return x + self.reals + self.bits.bitwise_and(1)


def records(archive):
    with zipfile.ZipFile(archive) as file:
        return {name.partition("/")[2]: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("kind", [Entangled, Retyped, lambda: nn.Linear(4, 2), lambda: nn.Conv1d(3, 2, 2)])
def test_a_program_is_written_as_pytorch_writes_it(tmp_path, kind):
    module = kind().eval()
    program = torch.export.export(module, (X,))
    its_own = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of weights that are parts of others
        torch.export.save(program, its_own)
        archive_pt2.save(program, tmp_path / "model.pt2")
    ours = records(tmp_path / "model.pt2")
    assert ours == records(its_own)
    torch.testing.assert_close(torch.export.load(tmp_path / "model.pt2").module()(X), module(X))


def test_weights_of_two_types_in_one_place_are_left_to_pytorch(tmp_path, monkeypatch):
    program = torch.export.export(Retyped().eval(), (X,))
    monkeypatch.setattr(archive_pt2, "_write", None)
    archive_pt2.save(program, tmp_path / "model.pt2")
    torch.testing.assert_close(
        torch.export.load(tmp_path / "model.pt2").module()(X),
        X + program.state_dict["reals"] + (program.state_dict["bits"] & 1),
    )


def test_a_large_module_has_its_program_beside_it(tmp_path):
    module = nn.Linear(4, 5_000_000, bias=False)  # 80 MB
    section = save_model(module, tmp_path / "model", input_example=X.numpy(), signature=False).flavors["pytorch"]
    assert section["program"] == "model.pt2"
    program = torch.export.load(tmp_path / "model" / "data" / "model.pt2").module()
    with torch.no_grad():
        assert torch.equal(program(X), module(X))
    np.testing.assert_array_equal(load_model(tmp_path / "model").weight.detach(), module.weight.detach())


def test_another_layout_of_pytorchs_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_pt2, "_CONFIG", "data/elsewhere.json")
    section = save_model(nn.Linear(4, 2), tmp_path / "model", input_example=X.numpy()).flavors["pytorch"]
    assert "lays a program out in a way that is not known here" in section["why_no_program"]
    assert not (tmp_path / "model" / "data" / "model.pt2").exists()
