"""What the state dict archive cannot describe: the weights are kept all the same, or the error names the remedy."""

from __future__ import annotations

import threading

import pytest
import steno
import torch
from steno.errors import InvalidValue, ModelError
from steno.models import Manifest, load_model, save_model
from torch import nn


def saved(module, tmp_path, **options):
    save_model(module, tmp_path / "model", flavor="pytorch", **options)
    return tmp_path / "model"


def hooked():
    module = nn.Linear(2, 2)
    module.register_forward_hook(lambda *_: None)
    return module


def local():
    class Inner(nn.Linear):
        pass

    return Inner(2, 2)


def with_attribute(value):
    module = nn.Linear(2, 2)
    module.extra = value
    return module


UNDESCRIBED = {
    "hook": (hooked, "forward hooks"),
    "local class": (local, "no other process can find"),
    "lambda": (lambda: with_attribute(lambda x: x), "'extra' needs .*lambda"),
    "lock": (lambda: with_attribute(threading.Lock()), "'extra'"),
    "generator": (lambda: with_attribute(torch.Generator()), "'extra'"),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)),
        "cannot be taken apart",
    ),
    "torchscript": (lambda: torch.jit.script(nn.Linear(2, 2)), "its own"),
    "much plain data": (lambda: with_attribute(list(range(300_000))), "more than 200000 values"),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
@pytest.mark.parametrize("name", UNDESCRIBED)
def test_weights_are_kept_also_where_the_module_cannot_be_described(name, tmp_path):
    make, why = UNDESCRIBED[name]
    module = make()
    folder = saved(module, tmp_path)
    with pytest.raises(ModelError, match=why) as caught:
        load_model(folder)
    assert "load_state_dict" in str(caught.value)
    assert Manifest.read(folder).pyfunc is None
    weights = steno.pytorch.load_state_dict(folder)
    assert all(torch.equal(weights[key], value) for key, value in module.state_dict().items())


@pytest.mark.parametrize(
    "value", [torch.eye(2).to_sparse(), torch.ones(2, dtype=torch.complex128)], ids=["sparse", "complex"]
)
def test_a_tensor_that_has_no_place_in_the_file_is_said_to_be_so(value, tmp_path):
    with pytest.raises(ModelError, match="serialization_format='pickle'"):
        saved(with_attribute(value), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lazy_layer_before_its_first_batch_cannot_be_kept(tmp_path):
    with pytest.raises(ModelError, match="Run a lazy module once"):
        saved(nn.LazyLinear(2), tmp_path)


def test_options_and_models_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(InvalidValue, match="state_dict, export, pickle"):
        saved(nn.ReLU(), tmp_path, serialization_format="onnx")
    with pytest.raises(InvalidValue, match="no option colour"):
        saved(nn.ReLU(), tmp_path, colour="red")
    with pytest.raises(ModelError, match="keeps modules, not dict"):
        saved({"a": 1}, tmp_path)


def test_keeping_weights_runs_no_hook_of_the_users(tmp_path):
    module = hooked()
    module.register_state_dict_pre_hook(lambda *_: pytest.fail("it may wait for other processes"))
    saved(module, tmp_path)
