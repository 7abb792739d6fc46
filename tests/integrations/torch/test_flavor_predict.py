"""A kept PyTorch model as a function: what it takes, what it gives, and that it leaves the module as it was."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
import steno
import torch
from steno.errors import InvalidValue, ModelError
from steno.models import Manifest, load_model, load_pyfunc, save_model
from steno_torch.archive_export import WRITES
from torch import nn

from .conftest import exports

FORMS = ("export", "pickle") if WRITES else ("pickle",)
X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


class Two(nn.Module):
    """Takes two tensors and gives several."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, a, b):
        return {"sum": self.layer(a) + b, "parts": [a, b]}


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def pyfunc(module, tmp_path, **options):
    save_model(module, tmp_path / "model", flavor="pytorch", **options)
    from steno.models import untrusted_types

    return load_pyfunc(tmp_path / "model", trusted=untrusted_types(tmp_path / "model"))


def plain(module, x):
    with torch.no_grad():
        return module.eval()(torch.as_tensor(x)).numpy()


def test_a_table_gives_a_table_with_its_index(tmp_path):
    module = net()
    found = pyfunc(module, tmp_path).predict(pd.DataFrame(X.astype(float), index=list("abcde")))
    assert list(found.index) == list("abcde")
    assert np.allclose(found.to_numpy(), plain(module, X))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_floating_point_numbers_come_in_the_modules_own_kind(kind, tmp_path):
    module = net()
    assert np.allclose(pyfunc(module, tmp_path).predict(X.astype(kind)), plain(module, X), atol=1e-2)


def test_tensors_lists_and_arrays_that_are_read_only_are_taken(tmp_path):
    module, fixed = net(), X.copy()
    fixed.setflags(write=False)
    function = pyfunc(module, tmp_path)
    for inputs in (torch.from_numpy(X), X.tolist(), fixed):
        assert np.allclose(function.predict(inputs), plain(module, X))


def test_integers_stay_integers(tmp_path):
    assert pyfunc(nn.Embedding(4, 2), tmp_path).predict(np.array([[1, 3]])).shape == (1, 2, 2)


def test_a_dict_gives_arguments_by_name_and_outputs_keep_their_shape(tmp_path):
    found = pyfunc(Two(), tmp_path).predict({"a": X, "b": np.ones((5, 1), np.float32)})
    assert set(found) == {"sum", "parts"}
    assert found["sum"].shape == (5, 1)
    assert [each.shape for each in found["parts"]] == [(5, 3), (5, 1)]


def test_a_kind_that_numpy_has_not_comes_out_as_float32(tmp_path):
    assert pyfunc(net().to(torch.bfloat16), tmp_path).predict(X).dtype == np.float32


def test_what_is_no_number_is_refused(tmp_path):
    function = pyfunc(net(), tmp_path)
    with pytest.raises(InvalidValue, match="numbers"):
        function.predict(pd.DataFrame({"a": ["x"], "b": ["y"], "c": ["z"]}))
    with pytest.raises(InvalidValue, match="tensor"):
        function.predict(np.array([["x", "y", "z"]]))


def test_predicting_draws_nothing_and_leaves_each_parts_mode(tmp_path):
    module = net().train()
    module[2].eval()
    loaded = pyfunc(module, tmp_path).get_raw_model()
    function = steno.models.load_pyfunc(tmp_path / "model")
    state = torch.get_rng_state()
    assert np.array_equal(function.predict(X), function.predict(X))
    assert torch.equal(torch.get_rng_state(), state)
    assert [each.training for each in loaded.modules()] == [True, True, True, False, True]
    assert [each.training for each in function.get_raw_model().modules()] == [True, True, True, False, True]


def test_several_threads_predict_as_one_does(tmp_path):
    function = pyfunc(net().train(), tmp_path)
    wanted, found = function.predict(X), []

    def predict():
        found.extend(np.array_equal(function.predict(X), wanted) for _ in range(100))

    threads = [threading.Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400
    assert all(found)


@pytest.mark.parametrize("example", [X, torch.from_numpy(X), pd.DataFrame(X, columns=list("abc"))], ids=type)
def test_the_signature_is_inferred_from_any_example(example, tmp_path):
    function = pyfunc(net(), tmp_path, input_example=example)
    assert function.signature.inputs is not None
    assert np.asarray(function.predict(function.input_example.astype(np.float32))).shape == (5, 2)


def test_tensors_by_name_have_a_signature_too(tmp_path):
    example = {"a": torch.ones(2, 3), "b": torch.ones(2, 1)}
    signature = pyfunc(Two(), tmp_path, input_example=example).signature
    assert [spec.name for spec in signature.inputs] == ["a", "b"]


def test_the_device_is_a_setting(tmp_path):
    save_model(net(), tmp_path / "model", flavor="pytorch")
    function = load_pyfunc(tmp_path / "model", model_config={"device": "meta"})
    with pytest.raises((NotImplementedError, RuntimeError)):  # a device without values
        function.predict(X)
    assert next(function.get_raw_model().parameters()).device.type == "meta"


# -- exported programs -----------------------------------------------------------------------------------------------


@exports
@pytest.mark.parametrize("rows", [1, 5])
def test_a_program_takes_any_number_of_rows(rows, tmp_path):
    module = net()
    function = pyfunc(module, tmp_path, serialization_format="export", input_example=X[:rows])
    assert module.training
    for count in (1, 2, 5):
        assert np.allclose(function.predict(X[:count]), plain(module, X[:count]), atol=1e-6)
        module.train()


@exports
def test_a_program_of_several_inputs_needs_no_class_of_the_users(tmp_path):
    example = {"a": X, "b": np.ones((5, 1), np.float32)}
    module = Two()
    save_model(module, tmp_path / "model", flavor="pytorch", serialization_format="export", input_example=example)
    found = load_pyfunc(tmp_path / "model").predict(example)
    assert np.allclose(found["sum"], module(*map(torch.from_numpy, example.values()))["sum"].detach(), atol=1e-6)


@exports
def test_a_program_tells_nothing_of_the_users_folders(tmp_path, root):
    save_model(net(), tmp_path / "model", flavor="pytorch", serialization_format="export", input_example=X)
    content = (tmp_path / "model" / "data" / "model.pt2").read_bytes()
    assert str(root).encode() not in content
    assert b".py" not in content


@pytest.mark.skipif(WRITES, reason="this PyTorch can")
def test_a_pytorch_that_cannot_keep_programs_says_since_when_it_could(tmp_path):
    with pytest.raises(ModelError, match=r"needs PyTorch 2\.8 or later"):
        save_model(net(), tmp_path / "model", flavor="pytorch", serialization_format="export", input_example=X)
    assert list(tmp_path.iterdir()) == []


class Deciding(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@exports
def test_what_cannot_be_exported_says_why_and_what_else_there_is(tmp_path):
    with pytest.raises(ModelError, match="give input_example="):
        save_model(net(), tmp_path / "model", flavor="pytorch", serialization_format="export")
    with pytest.raises(ModelError, match=r"cannot be exported: .*state_dict"):
        save_model(Deciding(), tmp_path / "model", flavor="pytorch", serialization_format="export", input_example=X)
    assert list(tmp_path.iterdir()) == []


# -- with MLflow ------------------------------------------------------------------------------------------------------


def test_mlflow_finds_the_keys_it_reads(tmp_path):
    for form in FORMS:
        save_model(net(), tmp_path / form, flavor="pytorch", serialization_format=form, input_example=X)
        manifest = Manifest.read(tmp_path / form)
        assert manifest.flavors["pytorch"]["model_data"] == "data"
        assert manifest.flavors["pytorch"]["pytorch_version"] == torch.__version__
        pyfunc = manifest.pyfunc
        assert (pyfunc["loader_module"], pyfunc["data"]) == ("mlflow.pytorch", "data")
        assert pyfunc["pickle_module_name"] == "mlflow.pytorch.pickle_module"
        assert pyfunc["config"] == {"device": None}
    assert not WRITES or (tmp_path / "export" / "data" / "model.pt2").is_file()
    assert (tmp_path / "pickle" / "data" / "pickle_module_info.txt").read_text() == "mlflow.pytorch.pickle_module"


def test_mlflows_loader_of_functions_reads_a_state_dict_where_steno_is(tmp_path):
    from importlib import import_module

    module = net()
    save_model(module, tmp_path / "model", flavor="pytorch")
    conf = Manifest.read(tmp_path / "model").pyfunc
    function = import_module(conf["loader_module"])._load_pyfunc(str(tmp_path / "model" / conf["data"]))
    assert np.allclose(function.predict(X), plain(module, X))


def test_a_model_that_names_no_format_is_read_as_mlflow_would(tmp_path):
    for form in FORMS:
        save_model(net(), tmp_path / form, flavor="pytorch", serialization_format=form, input_example=X)
        manifest = Manifest.read(tmp_path / form)
        for name in ("serialization_format", "model_data"):
            del manifest.flavors["pytorch"][name]
        manifest.write(tmp_path / form)
        assert load_pyfunc(tmp_path / form).predict(X).shape == (5, 2)


# -- in runs ----------------------------------------------------------------------------------------------------------


def test_a_model_is_logged_and_loaded_by_its_namespace(tracking):
    module = net()
    with steno.start_run() as run:
        steno.pytorch.log_model(module, "model", input_example=X)
        steno.pytorch.log_model(pytorch_model=module, name="whole", serialization_format="pickle")
    for name in ("model", "whole"):
        loaded = steno.pytorch.load_model(f"runs:/{run.info.run_id}/{name}")
        assert torch.equal(loaded[0].weight, module[0].weight)
    own = net()
    own.load_state_dict(steno.pytorch.load_state_dict(f"runs:/{run.info.run_id}/model"))
    with pytest.raises(ModelError, match="load_model gives the module"):
        steno.pytorch.load_state_dict(f"runs:/{run.info.run_id}/whole")
    assert np.allclose(steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(X), plain(module, X))


def test_a_module_belongs_to_this_flavor_by_itself(tmp_path):
    save_model(Two(), tmp_path / "model")
    assert set(Manifest.read(tmp_path / "model").flavors) == {"pytorch", "python_function"}
    assert load_model(tmp_path / "model", trusted=[f"{Two.__module__}.Two"]).layer.in_features == 3
