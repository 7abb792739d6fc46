"""Python code of the user's own as a model: what is kept beside it, how it is called, what loading it asks for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import steno
from sklearn.linear_model import LinearRegression
from steno.errors import InvalidValue, ModelError, StenoError, UntrustedTypes
from steno.models import Manifest, untrusted_types
from steno.pyfunc import PythonModel, load_model, save_model

from .conftest import FRAME, Scaled, by_value, saved, trusting


def test_a_class_predicts_with_its_context_config_and_params(folder):
    model = trusting(folder)
    assert model.predict(FRAME).tolist() == [13.5, 16.5]
    assert model.predict(FRAME, {"more": 1}).tolist() == [14.5, 17.5]
    assert trusting(folder, model_config={"more": 20}).predict(FRAME).tolist() == [23.5, 26.5]


def test_it_says_what_it_is(folder):
    model = trusting(folder)
    assert type(model.unwrap_python_model()).__name__ == "Scaled"
    assert model.get_raw_model() is model.unwrap_python_model()
    assert model.model_config == {"more": 10}
    assert model.metadata.metadata == {"team": "x"}
    assert model.input_example.equals(FRAME)
    assert [spec.name for spec in model.signature.inputs] == ["a"]
    assert [spec.name for spec in model.signature.params] == ["more"]
    assert "python_function" in repr(model)


def test_the_users_object_is_left_alone_by_saving(tmp_path, offset):
    model = Scaled()
    save_model(tmp_path / "model", python_model=model, artifacts={"offset": offset}, input_example=FRAME)
    assert vars(model) == {"factor": 3.0}


def test_inputs_are_checked_before_the_model_sees_them(folder):
    with pytest.raises(InvalidValue, match=r"missing inputs \['a'\]"):
        trusting(folder).predict(pd.DataFrame({"b": [1.0]}))


def test_it_runs_nothing_unless_its_names_are_trusted(folder):
    with pytest.raises(UntrustedTypes) as caught:
        load_model(folder)
    assert "cloudpickle.cloudpickle._make_function" in caught.value.types
    assert repr(list(caught.value.types)) in str(caught.value)
    with pytest.raises(UntrustedTypes):
        load_model(folder, trusted=caught.value.types[1:])
    assert load_model(folder, trusted=caught.value.types).predict(FRAME).tolist() == [13.5, 16.5]


def test_a_model_is_found_by_its_class_in_log_model(tracking, offset):
    with steno.start_run():
        info = steno.log_model(Scaled(), name="scaled", artifacts={"offset": offset})
        other = steno.pyfunc.log_model(name="other", python_model=lambda rows: len(rows))
    assert trusting(steno.tracking.models.local_folder(info.model_uri)).predict(FRAME).tolist() == [3.5, 6.5]
    with pytest.raises(UntrustedTypes):
        load_model(other.model_uri)
    assert (
        load_model(other.model_uri, trusted=untrusted_types(steno.download_artifacts(other.model_uri))).predict([1])
        == 1
    )


def test_artifacts_may_be_folders_other_runs_artifacts_and_of_one_name(tracking, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "data" / "file.txt").write_text(name)
    with steno.start_run() as run:
        steno.log_text("logged", "logged/file.txt")
    artifacts = {
        "one": tmp_path / "one" / "data",
        "two": f"file://{tmp_path / 'two' / 'data'}",
        "logged": f"runs:/{run.info.run_id}/logged/file.txt",
        "whole": f"runs:/{run.info.run_id}/logged",
    }

    @by_value
    class Reads(PythonModel):
        def predict(self, context, model_input):
            paths = {name: Path(path) for name, path in context.artifacts.items()}
            return {name: (p / "file.txt" if p.is_dir() else p).read_text() for name, p in paths.items()}

    save_model(tmp_path / "model", python_model=Reads(), artifacts=artifacts)
    expected = {"one": "one", "two": "two", "logged": "logged", "whole": "logged"}
    assert trusting(tmp_path / "model").predict(None) == expected
    assert not list((tmp_path / "model" / "artifacts").glob(".*"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give python_model"),
        ({"python_model": 3}, "not int"),
        ({"python_model": Scaled}, "give an instance, Scaled"),
        ({"python_model": lambda: 1}, "takes one argument"),
        ({"python_model": lambda a, b: 1}, "takes one argument"),
        ({"python_model": "no_such_script.py"}, "is no file"),
        ({"python_model": type("Empty", (PythonModel,), {})()}, "has no predict of its own"),
        ({"python_model": len, "artifacts": {"a": "no_such_file"}}, "does not exist"),
        ({"python_model": len, "artifacts": {"a": "runs:/nobody/x"}}, "nobody"),
        ({"python_model": len, "artifacts": {"a": 3}}, "a path or URI under a name"),
        ({"python_model": len, "artifacts": ["a"]}, "map of paths or URIs"),
        ({"python_model": len, "model_config": 3}, "map with texts as keys"),
        ({"python_model": len, "model_config": "absent.yaml"}, "cannot be read"),
        ({"python_model": len, "loader_module": "os"}, "no option loader_module"),
    ],
)
def test_what_cannot_be_kept_is_one_clear_sentence(given, message, tracking, tmp_path):
    with pytest.raises(StenoError, match=message):
        save_model(tmp_path / "model", **given)
    assert not (tmp_path / "model").exists()


def test_what_cannot_be_pickled_is_said_with_the_remedy(tmp_path):
    model = Scaled()
    model.lock = importlib.import_module("threading").Lock()
    with pytest.raises(ModelError, match="load_context"):
        save_model(tmp_path / "model", python_model=model)


# -- how predict is called ---------------------------------------------------------------------------------


@by_value
class WithoutContext(PythonModel):
    def predict(self, model_input, params=None):
        return [model_input, params]


@by_value
class ByAnotherName(PythonModel):
    def predict(self, ctx, rows):
        return [type(ctx).__name__, rows]


@by_value
class InPieces(PythonModel):
    def predict(self, context, model_input):
        return model_input

    def predict_stream(self, context, model_input, params=None):
        yield from model_input


def test_context_and_params_may_be_left_out(tmp_path):
    assert saved(WithoutContext(), tmp_path).predict([1]) == [[1], None]


def test_the_context_may_have_any_name(tmp_path):
    assert saved(ByAnotherName(), tmp_path).predict([1]) == ["PythonModelContext", [1]]


def test_a_prediction_may_come_in_pieces(tmp_path):
    model = saved(InPieces(), tmp_path)
    stream = model.predict_stream([1, 2])
    assert isinstance(stream, Iterator)
    assert list(stream) == [1, 2]
    assert Manifest.read(tmp_path / "model").pyfunc["streamable"] is True


def test_a_model_that_has_no_pieces_says_so(tmp_path):
    with pytest.raises(ModelError, match="has no predict_stream"):
        saved(WithoutContext(), tmp_path).predict_stream([1])
    steno.models.save_model(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "linear")
    linear = load_model(tmp_path / "linear")
    with pytest.raises(ModelError, match="do not predict in pieces"):
        linear.predict_stream([[1.0]])
    with pytest.raises(ModelError, match="LinearRegression, no PythonModel"):
        linear.unwrap_python_model()


def test_an_error_of_the_models_own_arrives_unchanged(tmp_path):
    def fails(model_input):
        raise ZeroDivisionError("mine")

    fails.__module__ = "__main__"
    with pytest.raises(ZeroDivisionError, match="mine"):
        saved(fails, tmp_path).predict([1])
