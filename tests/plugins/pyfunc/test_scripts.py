"""A model as a script: it runs at each load, only if it is trusted, and MLflow's scripts run without MLflow."""

from __future__ import annotations

import pandas as pd
import pytest
import steno
from steno.errors import DamagedModel, InvalidValue, ModelError, UntrustedTypes
from steno.models import Manifest, ModelConfig, seal_model, set_model, untrusted_types
from steno.pyfunc import load_model, save_model

SCRIPT = """
import pathlib
from dataclasses import dataclass

import {package}
import {package}.pyfunc as pf
from {package}.models import ModelConfig, set_model
from {package}.pyfunc import PythonModel

pathlib.Path({canary!r}).touch()
config = ModelConfig(development_config={{"factor": 2}})

@dataclass
class Scaled(PythonModel):
    factor: float

    def predict(self, context, model_input):
        import {package} as later
        assert later.pyfunc is pf
        return model_input["a"] * self.factor

set_model(Scaled(config.get("factor")))
"""
FRAME = pd.DataFrame({"a": [1.0, 2.0]})


@pytest.fixture(params=["steno", "mlflow"])
def script(request, tmp_path):
    path = tmp_path / "scaled.py"
    path.write_text(SCRIPT.format(package=request.param, canary=str(tmp_path / "canary")))
    return path


def test_a_script_is_the_model_and_is_named_to_be_trusted(script, tmp_path):
    save_model(tmp_path / "model", python_model=script)
    (tmp_path / "canary").unlink()
    assert untrusted_types(tmp_path / "model") == ["scaled.py"]
    with pytest.raises(UntrustedTypes, match=r"trusted=\['scaled.py'\]"):
        load_model(tmp_path / "model")
    assert not (tmp_path / "canary").exists()
    assert load_model(tmp_path / "model", trusted=["scaled.py"]).predict(FRAME).tolist() == [2.0, 4.0]


def test_its_configuration_is_the_one_given_at_load(script, tmp_path):
    (tmp_path / "config.yaml").write_text("factor: 3\n")
    save_model(tmp_path / "model", python_model=str(script), model_config=tmp_path / "config.yaml")
    model = load_model(tmp_path / "model", trusted=["scaled.py"])
    assert model.predict(FRAME).tolist() == [3.0, 6.0]
    model = load_model(tmp_path / "model", trusted=["scaled.py"], model_config={"factor": 5})
    assert model.predict(FRAME).tolist() == [5.0, 10.0]


def test_it_is_logged_like_any_model(script, tracking):
    with steno.start_run():
        info = steno.pyfunc.log_model("scaled", python_model=script, input_example=FRAME)
    assert [spec.name for spec in info.signature.inputs] == ["a"]
    assert load_model(info.model_uri, trusted=["scaled.py"]).predict(FRAME).tolist() == [2.0, 4.0]


def test_the_packages_it_imports_are_its_requirements(tmp_path):
    path = tmp_path / "imports.py"
    path.write_text("import numpy as np, json\nfrom steno.models import set_model\nset_model(lambda rows: len(rows))\n")
    save_model(tmp_path / "model", python_model=path)
    lines = (tmp_path / "model" / "requirements.txt").read_text().splitlines()
    assert [line.split("==")[0] for line in lines] == ["mlflow", "numpy", "steno"]
    assert load_model(tmp_path / "model", trusted=["imports.py"]).predict([1, 2]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"hands over no model.*set_model"),
        ("import no_such_package", "No module named 'no_such_package'"),
        ("import mlflow.no_such_module", "cannot run here"),
        ("def broken(:", "cannot run here"),
        ("import steno.models as m\nm.set_model(3)", "not int"),
    ],
)
def test_a_script_that_gives_no_model_is_one_clear_sentence(text, message, tmp_path):
    (tmp_path / "script.py").write_text(text)
    with pytest.raises((ModelError, InvalidValue), match=message):
        save_model(tmp_path / "model", python_model=tmp_path / "script.py")
    assert not (tmp_path / "model").exists()


def test_a_changed_script_never_runs(script, tmp_path):
    save_model(tmp_path / "model", python_model=script)
    (tmp_path / "canary").unlink()
    kept = tmp_path / "model" / "scaled.py"
    kept.write_text(kept.read_text() + "\n")
    with pytest.raises(DamagedModel, match=r"scaled\.py"):
        load_model(tmp_path / "model", trusted=["scaled.py"])
    assert not (tmp_path / "canary").exists()


def test_a_script_outside_the_folder_never_runs(script, tmp_path):
    save_model(tmp_path / "model", python_model=script)
    (tmp_path / "canary").unlink()
    manifest = Manifest.read(tmp_path / "model")
    manifest.pyfunc["model_code_path"] = str(script)
    manifest.write(tmp_path / "model")
    (tmp_path / "model" / "scaled.py").unlink()
    seal_model(tmp_path / "model")
    with pytest.raises(ModelError, match="no such file"):
        load_model(tmp_path / "model", trusted=["scaled.py"])
    assert not (tmp_path / "canary").exists()


def test_outside_a_load_a_script_runs_as_any_other():
    set_model(object())
    assert ModelConfig(development_config={"a": 1}).to_dict() == {"a": 1}
    with pytest.raises(KeyError, match="has no 'b'; it has a"):
        ModelConfig(development_config={"a": 1}).get("b")
