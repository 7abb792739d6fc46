"""A model as a function: what it says of itself, its example, and the versions it was saved with."""

from __future__ import annotations

import datetime
import json
import logging

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression
from steno.errors import InvalidValue, ModelError
from steno.models import load_pyfunc, save_model
from steno.models.example import Example


def linear():
    return LinearRegression().fit(pd.DataFrame({"a": [0.0, 1.0]}), [0.0, 1.0])


@pytest.fixture
def folder(tmp_path):
    save_model(linear(), tmp_path / "model", input_example=pd.DataFrame({"a": [0.5]}), model_id="m-1")
    return tmp_path / "model"


def test_it_predicts_from_any_form_the_signature_takes(folder):
    model = load_pyfunc(folder)
    for inputs in (pd.DataFrame({"a": [0.5]}), {"a": [0.5]}, {"a": 0.5}, [{"a": 0.5}], np.array([0.5])):
        assert model.predict(inputs).tolist() == pytest.approx([0.5])


def test_it_says_what_it_is(folder):
    model = load_pyfunc(folder)
    assert model.model_id == model.metadata.model_id == "m-1"
    assert model.signature == model.metadata.signature
    assert model.input_example.to_dict("list") == {"a": [0.5]}
    assert isinstance(model.get_raw_model(), LinearRegression)
    assert repr(model) == "PyFuncModel(LinearRegression, flavor='sklearn')"


def test_inputs_that_do_not_fit_never_reach_the_model(folder):
    with pytest.raises(InvalidValue, match=r"missing inputs \['a'\]"):
        load_pyfunc(folder).predict(pd.DataFrame({"b": [1.0]}))


def test_a_config_given_at_load_goes_before_the_saved_one(folder):
    assert load_pyfunc(folder, model_config={"device": "cpu"}).model_config == {"device": "cpu"}


def test_the_same_versions_are_not_remarked_on(folder, caplog):
    with caplog.at_level(logging.WARNING, "steno.models"):
        load_pyfunc(folder)
    assert caplog.text == ""


def test_other_versions_are_named_once_unless_that_is_suppressed(folder, caplog):
    requirements = (folder / "requirements.txt").read_text().replace("scikit-learn==", "scikit-learn==0.")
    (folder / "requirements.txt").write_text(requirements)
    manifest = (folder / "MLmodel").read_text().replace("python_version: 3.", "python_version: 2.")
    (folder / "MLmodel").write_text(manifest)
    with caplog.at_level(logging.WARNING, "steno.models"):
        load_pyfunc(folder, suppress_warnings=True)
        assert caplog.text == ""
        load_pyfunc(folder)
    (record,) = caplog.records
    assert "python 2." in record.getMessage()
    assert "scikit-learn 0." in record.getMessage()
    assert "numpy" not in record.getMessage()


# -- input examples ----------------------------------------------------------------------------------------

EXAMPLES = {
    "frame": (
        pd.DataFrame({"a": [1.5, None], "b": ["x", "y"]}),
        {"columns": ["a", "b"], "data": [[1.5, "x"], [None, "y"]]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, "x"], [None, "y"]]}},
        {"type": "dataframe", "pandas_orient": "split"},
    ),
    "frame without names": (
        pd.DataFrame([[1, 2]], index=["gone"]),
        {"data": [[1, 2]]},
        {"dataframe_split": {"data": [[1, 2]]}},
        {"type": "dataframe", "pandas_orient": "values"},
    ),
    "frame of moments and bytes": (
        pd.DataFrame({"d": pd.to_datetime(["2020-01-02"]), "b": [b"x"]}),
        {"columns": ["d", "b"], "data": [["2020-01-02T00:00:00", "eA=="]]},
        {"dataframe_split": {"columns": ["d", "b"], "data": [["2020-01-02T00:00:00", "eA=="]]}},
        {"type": "dataframe", "pandas_orient": "split"},
    ),
    "array": (
        np.array([[1.0, np.nan]]),
        [[1.0, None]],
        {"inputs": [[1.0, None]]},
        {"type": "ndarray"},
    ),
    "arrays by name": (
        {"x": np.array([1, 2])},
        {"x": [1, 2]},
        {"inputs": {"x": [1, 2]}},
        {"type": "ndarray"},
    ),
    "dict": (
        {"q": "text", "d": datetime.date(2020, 1, 2)},
        {"q": "text", "d": "2020-01-02"},
        {"inputs": {"q": "text", "d": "2020-01-02"}},
        {"type": "json_object"},
    ),
    "text": ("text", "text", {"inputs": "text"}, {"type": "json_object"}),
    "with params": (
        (np.array([1]), {"t": 0.5}),
        {"inputs": [1], "params": {"t": 0.5}},
        {"inputs": [1], "params": {"t": 0.5}},
        {"type": "ndarray", "params": "true"},
    ),
}


@pytest.mark.parametrize(("given", "content", "serving", "info"), EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_written_in_mlflows_form(given, content, serving, info, tmp_path):
    written = Example.of(given).write(tmp_path)
    names = {"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json"}
    assert written == info | names
    assert json.loads((tmp_path / "input_example.json").read_text()) == content
    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == serving


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_a_sparse_example_comes_back_and_has_no_request_form(form, tmp_path):
    matrix = sparse.eye(3, format=form)
    info = Example.of(matrix).write(tmp_path)
    assert info == {"artifact_path": "input_example.json", "type": f"sparse_matrix_{form}"}
    back = Example.read(tmp_path, info).inputs
    assert back.format == form
    assert (back.toarray() == matrix.toarray()).all()


@pytest.mark.parametrize("name", ["frame", "frame without names", "array", "arrays by name", "with params"])
def test_an_example_comes_back_as_it_was(name, tmp_path):
    given = Example.of(EXAMPLES[name][0])
    back = Example.read(tmp_path, given.write(tmp_path))
    assert type(back.inputs) is type(given.inputs)
    assert back.params == given.params
    before, after = (pd.DataFrame(each.inputs).to_numpy() for each in (given, back))
    assert np.array_equal(pd.DataFrame(before).fillna(0), pd.DataFrame(after).fillna(0))


@pytest.mark.parametrize("text", ["{", '{"columns": 1}', "[[1], [1, 2]]"])
def test_a_damaged_example_is_an_error_that_names_the_file(text, folder):
    (folder / "input_example.json").write_text(text)
    with pytest.raises(ModelError, match=r"input_example\.json"):
        _ = load_pyfunc(folder).input_example


def test_what_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="not object"):
        Example.of({"x": object()}).write(tmp_path)
