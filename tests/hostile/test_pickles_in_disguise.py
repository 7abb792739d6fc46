"""A pickle in any disguise, in place of any file of any flavor, by any way in: nothing is executed, one error tells.

The disguises are live: the first test lets each of them go off.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import steno
from steno.errors import ModelError, StenoError
from steno.models import load_model

from .conftest import told
from .disguises import CANARY, all_disguises, goes_off
from .doors import loaders, lookers, through_the_registry
from .folders import SITES, X, planted


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", all_disguises())
def test_every_disguise_goes_off_where_it_is_read_unwarily(name, disguises):
    with told() as events:
        goes_off(disguises[name])
    os.rmdir(CANARY)
    assert any(event == "pickle.find_class" for event, _ in events), "the watch sees no pickles"


def test_the_sound_models_load(models):
    for folder in sorted(models.iterdir()):
        trusted = ["lightgbm.basic.Booster"] if folder.name == "lightgbm" else []
        if folder.name == "python":
            trusted = steno.models.untrusted_types(folder)
        with told() as events:
            assert load_model(folder, trusted=trusted) is not None
        assert folder.name == "python" or not events, events


@pytest.mark.parametrize("site", SITES)
def test_no_way_in_executes_a_pickle(site, models, disguises, tmp_path):
    where = SITES[site]
    doors = loaders(where.flavor)
    for name, data in disguises.items():
        folder = planted(models, where, data, tmp_path / name)
        with told() as events:
            for door, enter in doors.items():
                with pytest.raises(ModelError) as caught:
                    enter(folder)
                assert len(str(caught.value)) < 2000, (door, name)
            for look in lookers(tmp_path).values():
                with suppress(StenoError):
                    look(folder)
        assert events == [], name
        assert not Path(CANARY).exists(), name
        shutil.rmtree(folder)


@pytest.mark.parametrize("site", SITES)
def test_trusting_the_flavors_own_types_does_not_let_a_pickle_in(site, models, disguises, tmp_path):
    """What an honest model of that kind would need is trusted; the bomb's own import still is not."""
    trusted = [
        "sklearn.linear_model._base.LinearRegression",
        "collections.OrderedDict",
        "torch.nn.modules.linear.Linear",
        "keras.layers.Lambda",
        "lightgbm.basic.Booster",
        "numpy.ndarray",
        "numpy.dtype",
        "numpy._core.multiarray._reconstruct",
        "joblib.numpy_pickle.NumpyArrayWrapper",
    ]
    for name, data in disguises.items():
        folder = planted(models, SITES[site], data, tmp_path / name)
        for enter in (load_model, steno.pyfunc.load_model):
            with pytest.raises(ModelError):
                enter(folder, trusted=trusted)
        assert not Path(CANARY).exists(), name
        shutil.rmtree(folder)


@pytest.mark.parametrize("site", SITES)
def test_the_registry_and_its_commands_execute_nothing(site, models, disguises, tracking, tmp_path):
    folder = planted(models, SITES[site], disguises["protocol 2"], tmp_path / "planted")
    with told() as events:
        for what, error in through_the_registry(folder):
            assert error is None or isinstance(error, StenoError), (what, error)
            if what.startswith(("load_model", "pyfunc.load_model")):
                assert isinstance(error, ModelError), what
    assert events == []


FILES = ["MLmodel", "requirements.txt", "conda.yaml", "python_env.yaml", "input_example.json"]


@pytest.mark.parametrize("file", FILES)
def test_no_file_beside_the_model_is_unpickled(file, models, disguises, tmp_path):
    for name, data in list(disguises.items())[::5]:
        folder = Path(shutil.copytree(models / "sklearn", tmp_path / name))
        (folder / file).write_bytes(data)
        with told() as events:
            for enter in (*loaders("sklearn").values(), *lookers(tmp_path).values()):
                with suppress(ModelError):
                    enter(folder)
            if file == "input_example.json":
                with pytest.raises(ModelError):
                    _ = steno.pyfunc.load_model(folder).input_example
            if file == "requirements.txt":  # is only compared with what is installed
                assert steno.pyfunc.load_model(folder).predict(X).shape == (40,)
        assert events == []


CUSTOM = ["custom_objects.cloudpickle", "global_custom_objects.cloudpickle", "keras_module.txt", "save_format.txt"]


@pytest.mark.parametrize("file", CUSTOM)
@pytest.mark.parametrize("flavor", ["keras", "tensorflow"])
def test_what_mlflow_would_unpickle_beside_a_keras_model_is_not_read(file, flavor, models, disguises, tmp_path):
    folder = Path(shutil.copytree(models / "keras", tmp_path / "model"))
    for data in disguises.values():
        (folder / "data" / file).write_bytes(data)
        with told() as events:
            assert load_model(folder, flavor=flavor) is not None
        assert events == []
