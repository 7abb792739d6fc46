"""What is taken from a table of predictions, by the type that is asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from steno.errors import InvalidValue, ModelError
from steno.models import AnyType, Array, ColSpec, DataType, Object, Property, Schema, TensorSpec
from steno_scoring.declared import empty, fields_of, result_of
from steno_scoring.predictions import table
from steno_scoring.results import Fields, fitted

MIXED = pd.DataFrame(
    {
        "s": ["a", None, "c"],
        "i": np.arange(3, dtype="int32"),
        "l": np.arange(3) + 2**40,
        "d": np.arange(3) / 2,
        "b": [True, False, True],
    }
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("integer", [0, 1, 2]),
        ("long", [0, 1, 2]),
        ("double", [0.0, 1.0, 2.0]),
        ("boolean", [True, False, True]),
        ("string", ["a", None, "c"]),
    ],
)
def test_a_single_value_is_the_leftmost_column_that_has_the_type(kind, expected):
    assert fitted(MIXED, DataType(kind)).tolist() == expected


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("integer", [0], [2]),
        ("long", [0, 2**40], [2, 2**40 + 2]),
        ("double", [0.0, 2.0**40, 0.0], [2.0, 2.0**40 + 2, 1.0]),
        ("string", ["a", "0", str(2**40), "0.0", "True"], ["c", "2", str(2**40 + 2), "1.0", "True"]),
    ],
)
def test_a_list_is_all_columns_that_have_the_type(kind, first, last):
    found = fitted(MIXED, Array(kind))
    assert (list(found.iloc[0]), list(found.iloc[-1])) == (first, last)


def test_fields_are_the_columns_of_their_names_in_their_order():
    found = fitted(MIXED, Fields((("d", DataType.float), ("i", DataType.string), ("b", Array("boolean")))))
    assert list(found.columns) == ["d", "i", "b"]
    assert found["d"].dtype == "float32"
    assert found.iloc[1].tolist() == [0.5, "1", [False]]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None], "long", [1, None]),
        ([True, None], "boolean", [True, None]),
        ([1, 0.5], "double", [1.0, 0.5]),
        ([b"a", None], "binary", [b"a", None]),
        ([pd.Timestamp(2026, 1, 2), None], "datetime", [pd.Timestamp(2026, 1, 2), None]),
    ],
)
def test_what_is_missing_stays_missing(values, kind, expected):
    for found in (
        fitted(table(values, 2), DataType(kind)),
        fitted(table(values, 2), Fields((("x", DataType(kind)),)))["x"],
    ):
        assert [None if pd.isna(each) else each for each in found] == expected


@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "double", "datetime", "binary"])
def test_text_becomes_nothing_else(kind):
    with pytest.raises(ModelError, match=rf"x \(.*\), which is no {kind}; ask for another"):
        fitted(pd.DataFrame({"x": ["1", "2"]}), Fields((("x", DataType(kind)),)))


@given(arrays.arrays("float64", st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(width=64)))
def test_a_matrix_is_the_same_as_lists_and_as_fields(matrix):
    found = table(matrix, len(matrix))
    np.testing.assert_array_equal(np.stack(fitted(found, Array("double"))), matrix)
    fields = Fields(tuple((f"f{at}", DataType.double) for at in range(matrix.shape[1])))
    np.testing.assert_array_equal(fitted(found, fields).to_numpy(), matrix)
    np.testing.assert_array_equal(fitted(found, DataType.double), matrix[:, 0])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.sampled_from(["integer", "long"]))
def test_no_integer_is_changed_on_its_way_into_a_field(values, kind):
    found, wanted = table(np.array(values), len(values)), Fields((("x", DataType(kind)),))
    low, high = (-(2**31), 2**31 - 1) if kind == "integer" else (-(2**63), 2**63 - 1)
    if all(low <= each <= high for each in values):
        assert fitted(found, wanted)["x"].tolist() == values
    else:
        with pytest.raises(ModelError, match="is no"):
            fitted(found, wanted)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ([1.5, 2.5], [1.5, 2.5]),
        (pd.Series([1.5, 2.5], index=[7, 9], name="y"), [1.5, 2.5]),
        ({"p": np.array([1.5, 2.5]), "q": np.array(["a", "b"])}, [1.5, 2.5]),
        ([{"q": "a", "p": 1.5}, {"q": "b", "p": 2.5}], [1.5, 2.5]),
        (np.array([[1.5, 0], [2.5, 0]]), [1.5, 2.5]),
    ],
)
def test_every_form_of_prediction_is_a_table(prediction, expected):
    assert fitted(table(prediction, 2), DataType.double).tolist() == expected


def test_a_tensor_of_many_axes_and_ragged_lists_keep_their_cells():
    cube = np.arange(12.0).reshape(2, 3, 2)
    assert fitted(table(cube, 2), Array(Array("double"))).tolist() == cube.tolist()
    assert fitted(table([[1.0], [2.0, 3.0]], 2), Array("double")).tolist() == [[1.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("prediction", "wanted", "told"),
    [
        (["a", "b"], DataType.double, "of which nothing is double"),
        (np.array([1.5, 2.5]), DataType.long, r"predicts \(float64\), of which nothing is long"),
        (np.array([2**40, 1]), DataType.integer, "of which nothing is integer"),
        (["a", "b"], Array("double"), "nothing is array<double>"),
        (MIXED[:2], Fields((("z", DataType.string),)), r"predicts s \(.*\), i \(int32\).*, and no z"),
        ([1.0], DataType.double, "1 predictions for a batch of 2 rows"),
        (object(), DataType.double, "returned a object that makes no table"),
        (3.5, DataType.double, "returned a float that makes no table"),
    ],
)
def test_a_result_that_does_not_fit_is_told_in_one_sentence(prediction, wanted, told):
    with pytest.raises(ModelError, match=told):
        fitted(table(prediction, 2), wanted)


def test_a_signature_tells_the_result_as_mlflow_has_it():
    told = {
        ColSpec("long"): DataType.long,
        ColSpec("string", "a"): DataType.string,
        ColSpec(Array("double")): Array("double"),
        TensorSpec("float64", (-1,)): Array("double"),
        TensorSpec("float32", (-1, 3)): Array("float"),
        TensorSpec("float32", (-1, 3, 2)): Array(Array("float")),
        ColSpec(Object([Property("p", "long"), Property("a", "string")])): Fields(
            (("a", DataType.string), ("p", DataType.long))
        ),
    }
    assert {spec: result_of(Schema([spec])) for spec in told} == told
    two = Schema([ColSpec("long", "a"), ColSpec("double", "b")])
    assert result_of(two) == Fields((("a", DataType.long), ("b", DataType.double)))
    assert result_of(None) is None
    with pytest.raises(InvalidValue, match=r"output 'm' is neither .* give a result_type"):
        result_of(Schema([ColSpec(AnyType(), "m")]))


def test_a_signature_tells_the_columns_of_a_table():
    names = {
        ColSpec("long"): ["prediction"],
        ColSpec("long", "a"): ["a"],
        TensorSpec("float64", (-1,)): ["prediction"],
        TensorSpec("float64", (-1, 2)): ["0", "1"],
        TensorSpec("float64", (-1, 2), "probabilities"): ["probabilities"],
    }
    assert {spec: list(empty(fields_of(Schema([spec]))).columns) for spec in names} == names
    assert empty(fields_of(Schema([TensorSpec("float32", (-1, 2))]))).dtypes.tolist() == ["float32", "float32"]
