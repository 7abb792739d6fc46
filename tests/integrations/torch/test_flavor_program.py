"""Beside the state dict, a program for readers of programs: where one example makes it possible, and never instead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import steno
import torch
from steno.errors import UntrustedTypes
from steno.models import load_model, load_pyfunc, save_model, seal, untrusted_types
from torch import nn

from .conftest import exports

pytestmark = exports
X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


class Counting(nn.Module):
    """Keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.last = nn.Linear(3, 2), 0, None

    def forward(self, x):
        self.calls += 1
        self.last = x.detach()
        return self.layer(x)


class Branching(nn.Module):
    """Goes one way or the other by what is in the data."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else -self.layer(x)


class OneSize(Branching):
    """Takes batches of five rows alone."""

    def forward(self, x):
        return self.layer(x.reshape(5, 3))


class Undescribed(Branching):
    """Has a part that no description can name."""

    def __init__(self):
        super().__init__()
        self.shift = lambda x: x + 1

    def forward(self, x):
        return self.shift(self.layer(x))


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def plain(module, x):
    with torch.no_grad():
        return module.eval()(torch.as_tensor(x)).numpy()


def files(folder):
    return {path.name for path in (folder / "model" / "data").iterdir()}


@pytest.mark.parametrize("example", [X, X[:1], torch.as_tensor(X), pd.DataFrame(X, columns=list("abc"))], ids=type)
def test_an_example_gives_a_program_beside_the_state_dict_and_the_class_comes_back(tmp_path, example):
    module = net().train()
    section = save_model(module, tmp_path / "model", input_example=example).flavors
    assert module.training
    assert files(tmp_path) == {"model.json", "model.safetensors", "model.pt2"}
    assert section["pytorch"]["program"] == "model.pt2"
    assert section["python_function"]["loader_module"] == "mlflow.pytorch"
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is nn.Sequential
    program = torch.export.load(tmp_path / "model" / "data" / "model.pt2").module()
    for rows in (1, 3, 5):
        np.testing.assert_allclose(program(torch.as_tensor(X[:rows])).detach(), plain(module, X[:rows]), rtol=1e-5)
    inputs = X if not isinstance(example, pd.DataFrame) else example
    np.testing.assert_allclose(load_pyfunc(tmp_path / "model").predict(inputs), plain(module, X), rtol=1e-6)


@pytest.mark.parametrize(
    ("module", "example", "why"),
    [
        (net(), None, "there is no input example"),
        (net(), {"input": X}, "its inputs are not one tensor"),
        (Branching(), X, "Could not guard on data-dependent expression"),
        (OneSize(), X, "Constraints violated"),
    ],
    ids=["no example", "several", "branches", "one size"],
)
def test_where_there_can_be_no_program_the_section_says_why(tmp_path, capfd, module, example, why):
    section = save_model(module, tmp_path / "model", input_example=example, signature=False).flavors
    assert files(tmp_path) == {"model.json", "model.safetensors"}
    assert why in section["pytorch"]["why_no_program"]
    assert section["python_function"]["loader_module"] == "steno_torch.archive_pyfunc"
    assert f"steno=={steno.__version__}" in (tmp_path / "model" / "requirements.txt").read_text().split()
    assert capfd.readouterr().err == ""


def test_a_format_that_is_asked_for_is_all_that_is_written(tmp_path):
    section = save_model(net(), tmp_path / "model", input_example=X, serialization_format="state_dict").flavors
    assert files(tmp_path) == {"model.json", "model.safetensors"}
    assert not {"program", "why_no_program"} & set(section["pytorch"])


def test_the_module_and_the_example_are_left_as_they_are(tmp_path):
    module, example = Counting(), torch.as_tensor(X)
    save_model(module, tmp_path / "model", input_example=example, signature=False)
    assert "model.pt2" in files(tmp_path)
    assert (module.calls, module.last, vars(example)) == (0, None, {})


def test_a_module_that_cannot_be_described_is_loaded_as_its_program(tmp_path):
    module = Undescribed()
    save_model(module, tmp_path / "model", input_example=X)
    assert untrusted_types(tmp_path / "model") == []
    np.testing.assert_allclose(load_pyfunc(tmp_path / "model").predict(X[:2]), plain(module, X[:2]), rtol=1e-5)


@pytest.mark.parametrize("asked", [{}, {"serialization_format": "state_dict"}])
def test_who_saves_weights_that_nothing_rebuilds_is_told_the_remedy(tmp_path, caplog, asked):
    save_model(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), tmp_path / "model", flavor="pytorch", **asked)
    (record,) = caplog.records
    assert "only the weights are kept" in record.getMessage()
    assert "remove_parametrizations" in record.getMessage()


def test_neither_file_is_decoded_unasked(tmp_path, monkeypatch):
    save_model(Branching(), tmp_path / "described", input_example=X)
    save_model(Counting(), tmp_path / "both", input_example=X)
    decoded = []
    monkeypatch.setattr(torch.export, "load", lambda *given: decoded.append(given))
    monkeypatch.setattr("safetensors.safe_open", lambda *given, **_: decoded.append(given))
    for kind, name in (("described", "Branching"), ("both", "Counting")):
        with pytest.raises(UntrustedTypes, match=name):
            load_model(tmp_path / kind)
    assert not decoded


def test_a_foreign_program_in_the_place_of_ours_is_asked_for(tmp_path, monkeypatch):
    save_model(Undescribed(), tmp_path / "model", input_example=X)
    program = torch.export.export(Undescribed().eval(), (torch.as_tensor(X),))  # with its metadata, as PyTorch has it
    torch.export.save(program, tmp_path / "model" / "data" / "model.pt2")
    monkeypatch.setattr(seal, "check", lambda *given: None)  # as if it had been sealed with it
    assert untrusted_types(tmp_path / "model") == ["torch.export.load"]
    with pytest.raises(UntrustedTypes):
        load_model(tmp_path / "model")
