"""Inputs that do not fit are told whole, in one error; what only looks as if it did not fit is taken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from steno.errors import SchemaMismatch
from steno.models import AnyType, Array, ColSpec, ModelSignature, ParamSchema, ParamSpec, Schema, TensorSpec
from steno.models.enforcement import enforce, enforce_inputs


def one(kind, **options):
    return Schema([ColSpec(kind, "a", **options)])


def column(values):
    return pd.DataFrame({"a": values})


SEVERAL = ModelSignature(
    Schema(
        [
            ColSpec("long", "n"),
            ColSpec("double", "x"),
            ColSpec(Array("long"), "l"),
            ColSpec("string", "s"),
            ColSpec("string", "gone"),
        ]
    ),
    params=ParamSchema([ParamSpec("t", "double", 1.0), ParamSpec("n", "long", 3)]),
)


def test_all_that_is_wrong_with_inputs_and_params_is_told_at_once():
    data = pd.DataFrame({"n": [1.5, 2.5], "x": ["a", "b"], "l": [[1, "x", None], 3], "s": ["fine", "fine"]})
    with pytest.raises(SchemaMismatch) as caught:
        enforce(data, {"t": "hot", "n": [1]}, SEVERAL)
    told = [
        "the model is missing inputs ['gone']",
        "column 'n' takes long, and float64",
        "column 'x' takes double, and str",
        "column 'l', row 0, element 1 takes long, not 'x'",
        "column 'l', row 1 takes a list, not int",
        "param 't' takes double, not 'hot'",
        "param 'n' takes a single value, not [1]",
    ]
    assert len(caught.value.problems) == len(told)
    for start, problem in zip(told, caught.value.problems, strict=True):
        assert problem.startswith(start)
        assert problem in caught.value.message
    assert caught.value.code == "INVALID_PARAMETER_VALUE"


THREE = Schema([TensorSpec("float64", (-1, 2), "x"), TensorSpec("int64", (-1,), "y"), TensorSpec("bool", (-1,), "z")])


def test_of_tensors_too_all_that_is_wrong_is_told_at_once():
    with pytest.raises(SchemaMismatch) as caught:
        enforce_inputs({"x": np.zeros((1, 3), "f4"), "y": "no"}, THREE)
    assert [problem.partition(",")[0] for problem in caught.value.problems] == [
        "the model is missing inputs ['z']",
        "input 'x' has shape (1",
        "input 'x' has dtype float32",
        "input 'y' takes a numpy array",
    ]


def test_a_long_list_of_problems_is_cut_but_every_column_is_named():
    data = pd.DataFrame({"a": [["x"]] * 1000, "b": [["y"]] * 1000})
    with pytest.raises(SchemaMismatch) as caught:
        enforce_inputs(data, Schema([ColSpec(Array("long"), "a"), ColSpec(Array("long"), "b")]))
    assert len(caught.value.problems) == 22
    assert caught.value.problems[10] == "column 'a' has more that does not fit"
    wide = pd.DataFrame([["x"] * 200])
    with pytest.raises(SchemaMismatch, match=r"and 150 more$") as caught:
        enforce_inputs(wide, Schema([ColSpec("long", at) for at in range(200)]))
    assert len(caught.value.problems) == 200


@pytest.mark.parametrize(
    ("data", "values", "dtype"),
    [
        (pd.DataFrame({"a": [1.0, None]}), [1, None], "Int64"),
        ({"a": [2**60 + 1, None]}, [2**60 + 1, None], "Int64"),
        ([{"a": 2**60 + 1}, {"a": None}], [2**60 + 1, None], "Int64"),
        ([{"a": 1}, {}], [1, None], "Int64"),
        (pd.DataFrame({"a": pd.array([1, None], dtype="Int32")}), [1, None], "Int64"),
        (pd.DataFrame({"a": [None, None]}), [None, None], "object"),
        (pd.DataFrame({"a": pd.array([1, 2], dtype="UInt8")}), [1, 2], "Int64"),
    ],
    ids=["floats", "columns", "rows", "a row without it", "nullable", "nothing", "unsigned"],
)
def test_integers_that_may_be_missing_come_in_every_form_that_holds_them(data, values, dtype):
    given = enforce_inputs(data, one("long", required=False))["a"]
    assert str(given.dtype) == dtype
    assert [None if pd.isna(each) else int(each) for each in given] == values


@pytest.mark.parametrize("values", [[1.5, None], [2.0**60, None], [float("inf"), None], [1.0, 2.0]], ids=str)
def test_floats_are_no_integers_that_may_be_missing_unless_a_gap_explains_them(values):
    with pytest.raises(SchemaMismatch, match="takes long"):
        enforce_inputs(column(values), one("long", required=False))


def test_lists_are_made_a_tensor_only_without_a_change_of_their_values():
    schema = Schema([TensorSpec("int32", (-1, 2))])
    assert enforce_inputs(column([[1.0, 2.0]]), schema).dtype == np.int32
    for values in ([1.5, 2.0], [2.0**40, 1.0], [True, False], ["x", "y"]):
        with pytest.raises(SchemaMismatch, match="the cells of column 'a' make no int32"):
            enforce_inputs(column([values]), schema)


@pytest.mark.parametrize("data", [pd.DataFrame({"a": [1], "b": [2]}), "x", (1, 2), None, {1}, np.zeros(2), object()])
def test_where_nothing_is_known_everything_passes_as_it_is(data):
    assert enforce_inputs(data, Schema([ColSpec(AnyType())])) is data


def test_a_table_that_fits_is_not_copied():
    data = pd.DataFrame({"a": [1.0], "b": ["x"]})
    assert enforce_inputs(data, Schema([ColSpec("double", "a"), ColSpec("string", "b", required=False)])) is data
