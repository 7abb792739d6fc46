"""What goes wrong without anyone meaning harm: one clear sentence of the right class, that names the remedy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import steno
from sklearn.linear_model import LogisticRegression
from steno.errors import DamagedModel, InvalidValue, MissingDependency, ModelError, NotFound, UntrustedTypes
from steno.models import load_model, load_pyfunc, save_model, seal_model

from .folders import change, copied, y

FRAME = pd.DataFrame({"a": [0.0, 1.0] * 20, "b": [1.0, 0.5] * 20})


@pytest.fixture
def registered(tracking: str) -> str:
    """The id of a run with a model in it, which is version 1 of "churn"."""
    with steno.start_run() as run:
        steno.log_model(LogisticRegression().fit(FRAME, y), name="model", registered_model_name="churn")
    return str(run.info.run_id)


MISSING = {
    "models:/churn@champion": (InvalidValue, "champion"),
    "models:/churn/7": (NotFound, "7"),
    "models:/churn/Staging": (NotFound, "Staging"),
    "models:/churn/Stagin": (InvalidValue, "Stagin.*Staging, Production, Archived"),
    "models:/nobody/1": (NotFound, "nobody"),
    "models:/m-" + "0" * 32: (NotFound, "m-000"),
    "models:/churn/1/": (None, ""),
    "runs:/{run}/other": (NotFound, "other.*steno artifacts list"),
    "runs:/" + "0" * 32 + "/model": (NotFound, "0000"),
    "runs:/model": (NotFound, "no run with id .model"),
    "nowhere": (NotFound, "nowhere"),
    "nothing://x/y": (InvalidValue, "nothing"),
}


@pytest.mark.parametrize("uri", MISSING)
def test_what_is_not_there_is_told_by_name(uri, registered):
    kind, words = MISSING[uri]
    for enter in (steno.load_model, steno.pyfunc.load_model, steno.sklearn.load_model):
        if kind is None:
            assert enter(uri.format(run=registered)) is not None
            continue
        with pytest.raises(kind, match=f"(?s){words}") as caught:
            enter(uri.format(run=registered))
        assert len(str(caught.value)) < 600


def test_a_flavor_that_is_not_installed_is_named_with_what_to_install(models, tmp_path):
    folder = copied(models, "xgboost", tmp_path / "model")
    change(folder, lambda content: content.update(flavors={"fancyml": {"data": "model.ubj"}}))
    with pytest.raises(ModelError, match=r"fancyml.*pip install steno-fancyml"):
        load_model(folder)


def test_a_flavor_that_is_asked_for_and_not_there_is_named(models):
    with pytest.raises(ModelError, match="'pytorch' was asked for"):
        load_model(models / "sklearn", flavor="pytorch")


DAMAGE: dict[str, Any] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-50]),
    "tampered with": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"),
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
}
MAIN = {
    "sklearn": "model.skops",
    "xgboost": "model.ubj",
    "lightgbm": "model.lgb",
    "catboost": "model.cb",
    "pytorch": "data/model.safetensors",
    "keras": "data/model.keras",
    "python": "python_model.pkl",
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("name", MAIN)
def test_a_model_that_is_not_whole_is_told_with_its_file(name, sealed, how, models, tmp_path):
    folder = copied(models, name, tmp_path / "model")
    trusted = steno.models.untrusted_types(folder)
    if sealed:
        seal_model(folder)
    DAMAGE[how](folder / MAIN[name])
    if not sealed and how == "tampered with":
        return  # `test_mutations` has what can be told without a seal
    for enter in (load_model, load_pyfunc):
        with pytest.raises(DamagedModel if sealed else ModelError, match=Path(MAIN[name]).name):
            enter(folder, trusted=trusted)


def test_a_folder_that_is_no_model_is_told(tmp_path):
    with pytest.raises(ModelError, match="no MLmodel file"):
        load_model(tmp_path)
    (tmp_path / "MLmodel").write_text("flavors: {}\n", "utf-8")
    with pytest.raises(ModelError, match="none"):
        load_model(tmp_path)


def test_a_wrong_schema_tells_every_problem_at_once(tmp_path):
    model = LogisticRegression().fit(FRAME, y)
    save_model(model, tmp_path / "model", input_example=FRAME.iloc[:2])
    wrong = pd.DataFrame({"a": ["x", "y"], "c": [1.0, 2.0]})
    with pytest.raises(InvalidValue) as caught:
        load_pyfunc(tmp_path / "model").predict(wrong)
    assert "'a'" in str(caught.value)
    assert "'b'" in str(caught.value) or " b" in str(caught.value)
    assert np.array_equal(load_pyfunc(tmp_path / "model").predict(FRAME), model.predict(FRAME))


def test_several_files_that_are_wrong_are_all_named(models, tmp_path):
    folder = copied(models, "keras", tmp_path / "model")
    seal_model(folder)
    (folder / "data" / "model.keras").write_bytes(b"x")
    (folder / "data" / "keras_module.txt").unlink()
    with pytest.raises(DamagedModel, match=r"(?s)keras_module\.txt.*model\.keras"):
        load_model(folder)


def test_several_types_that_are_not_trusted_are_all_named(models):
    with pytest.raises(UntrustedTypes) as caught:
        load_model(models / "python")
    assert len(caught.value.types) > 1 or "Doubled" in caught.value.types[0]
    assert str(list(caught.value.types)) in str(caught.value)


def test_a_device_that_is_not_here_is_told(models, tmp_path):
    folder = Path(shutil.copytree(models / "pytorch", tmp_path / "model"))
    for device in ("cuda:99", "nonsense", [1], True):
        change(folder, lambda content, d=device: content["flavors"]["python_function"].update(config={"device": d}))
        with pytest.raises(InvalidValue, match="device"):
            load_pyfunc(folder).predict(np.ones((2, 4), "float32"))


def test_a_package_that_is_missing_is_told_with_the_command(models, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(MissingDependency, match="pip install cloudpickle"):
        save_model(lambda model_input: model_input, tmp_path / "model", flavor="python_function")
