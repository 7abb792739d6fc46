"""Bodies of requests become inputs of the types that a signature declares, or one clear sentence."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest
import steno
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from steno.errors import InvalidValue, SchemaMismatch
from steno.models import Array, ColSpec, Schema, TensorSpec, convert_input_example_to_serving_input, infer_signature
from steno.models.enforcement import enforce_inputs
from steno.models.serving_input import parse

FRAME = pd.DataFrame(
    {
        "i": np.array([1, 2], "i4"),
        "n": pd.array([1, None], dtype="Int64"),
        "f": np.array([1.5, 2.0], "f4"),
        "s": ["a", "b"],
        "t": pd.to_datetime(["2020-01-01", "2021-01-01"]),
        "b": [b"x", b"y"],
        "l": [[1.5], [2.0]],
    }
)
SCHEMA = infer_signature(FRAME).inputs


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "inputs", "instances"])
def test_a_table_arrives_with_the_types_of_its_columns(form):
    split = json.loads(convert_input_example_to_serving_input(FRAME))["dataframe_split"]
    rows = [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]
    data, params = parse(json.dumps({form: split if form == "dataframe_split" else rows, "params": {"t": 1}}), SCHEMA)
    given = enforce_inputs(data, SCHEMA)
    pd.testing.assert_frame_equal(given, enforce_inputs(FRAME, SCHEMA))
    assert params == {"t": 1}


TENSOR = Schema([TensorSpec("float32", (-1, 2))])
NAMED = Schema([TensorSpec("int32", (-1,), "x"), TensorSpec("float64", (-1, 2), "y")])


@pytest.mark.parametrize(
    ("body", "schema", "expected"),
    [
        ({"inputs": [[1, 2]]}, TENSOR, np.array([[1, 2]], "f4")),
        ({"instances": [[1, 2]]}, None, np.array([[1, 2]])),
        ({"inputs": {"x": [1], "y": [[1, 2]]}}, NAMED, {"x": np.array([1], "i4"), "y": np.array([[1.0, 2.0]])}),
        ({"instances": [{"x": 1, "y": [1, 2]}]}, NAMED, {"x": np.array([1], "i4"), "y": np.array([[1.0, 2.0]])}),
        ({"inputs": ["2020-01-02"]}, Schema([ColSpec("datetime")]), [datetime.datetime(2020, 1, 2)]),
        ({"inputs": [["eA=="]]}, Schema([ColSpec(Array("binary"))]), [[b"x"]]),
        ({"messages": [{"role": "user"}]}, None, {"messages": [{"role": "user"}]}),
    ],
    ids=str,
)
def test_arrays_and_plain_data_arrive_with_the_declared_types(body, schema, expected):
    data, params = parse(body, schema)
    assert params is None
    pairs = [(data[name], expected[name]) for name in expected] if isinstance(expected, dict) else [(data, expected)]
    for found, wanted in pairs:
        assert type(found) is type(wanted)
        assert getattr(found, "dtype", None) == getattr(wanted, "dtype", None)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "an object with one of the keys"),
        ("{}", "has none"),
        ({"inputs": [1], "instances": [1]}, "has inputs, instances"),
        ({"inputs": [1], "params": [1]}, "`params` of a request is an object"),
        ({"dataframe_split": {"data": [[1]], "rows": 1}}, "not rows"),
        ({"dataframe_split": {"columns": ["a"]}}, "`dataframe_split` of the request cannot be read"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}}, "cannot be read"),
        ({"dataframe_split": [1]}, "`dataframe_split`"),
        ({"dataframe_records": {"a": 1}}, "a list of objects"),
        ({"instances": [{"x": 1}, {}]}, "`instances` of the request cannot be read"),
        ({"inputs": [[1], [1, 2]]}, "`inputs` of the request cannot be read"),
    ],
    ids=str,
)
def test_a_body_that_is_no_request_is_one_clear_sentence(body, cause):
    with pytest.raises(InvalidValue, match=cause):
        parse(body)


@pytest.mark.parametrize(
    ("column", "value"), [("i", 1.5), ("i", 2**40), ("i", "1.5"), ("f", [1.0]), ("t", "soon")],
    ids=str,
)  # fmt: skip
def test_a_value_that_would_be_changed_by_its_type_is_refused(column, value):
    body = {"dataframe_records": [{**dict.fromkeys(SCHEMA.input_names()), column: value}]}
    with pytest.raises(InvalidValue, match=f"column '{column}' takes"):
        enforce_inputs(parse(body, SCHEMA)[0], SCHEMA)


def test_numbers_that_come_as_text_are_numbers_as_they_are_to_mlflows_server():
    schema = Schema([ColSpec("double", "x"), ColSpec("long", "n")])
    data, _ = parse({"dataframe_records": [{"x": "1.5", "n": "2"}, {"x": 2, "n": 3}]}, schema)
    assert enforce_inputs(data, schema).to_dict("list") == {"x": [1.5, 2.0], "n": [2, 3]}
    table, _ = parse({"dataframe_records": [{"x": "5", "n": 2}]}, tensor := Schema([TensorSpec("float64", (-1, 2))]))
    assert enforce_inputs(table, tensor).tolist() == [[5.0, 2.0]]
    with pytest.raises(InvalidValue, match=r"column 'x' takes float64: .*'y'"):
        parse({"dataframe_records": [{"x": "y", "n": 1}]}, schema)


def test_what_is_the_same_value_in_another_form_is_taken_as_mlflows_server_takes_it():
    schema = Schema([ColSpec("double", "x"), ColSpec("boolean", "flag"), ColSpec("string", "text")])
    rows = [
        {"x": True, "flag": 1, "text": 5},
        {"x": 2, "flag": False, "text": None},
        {"x": 1.5, "flag": 0, "text": "a"},
    ]
    found = enforce_inputs(parse({"dataframe_records": rows}, schema)[0], schema)
    assert found.to_dict("list") == {"x": [1.0, 2.0, 1.5], "flag": [True, False, False], "text": ["5", None, "a"]}
    for no_flag in (2, "true"):
        with pytest.raises(SchemaMismatch, match="column 'flag' takes boolean"):
            enforce_inputs(parse({"inputs": [{**rows[0], "flag": no_flag}]}, schema)[0], schema)
    lists, _ = parse({"dataframe_records": [[1, 2], [3, 4]]})
    assert lists.to_numpy().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_columns_of_differing_lengths_are_refused(key):
    for schema in (Schema([ColSpec("double", "x"), ColSpec("long", "n")]), None):
        if schema is not None or key == "instances":
            with pytest.raises(InvalidValue, match="2 of 'x', 1 of 'n'"):
                parse({key: {"x": [1, 2], "n": [3]}}, schema)


@given(
    st.sampled_from(["integer", "long", "float", "double", "boolean", "string"]),
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(2**65), 2**65)
        | st.floats(allow_nan=False)
        | st.text(max_size=3)
        | st.integers(-9, 9).map(str),
        min_size=1,
        max_size=4,
    ),
)
@example("string", [None, 0])
def test_whatever_json_holds_no_value_is_changed(kind, values):
    schema = Schema([ColSpec(kind, "x")])
    try:
        found = enforce_inputs(parse({"dataframe_records": [{"x": each} for each in values]}, schema)[0], schema)
    except InvalidValue:
        return
    for given_value, taken in zip(values, found["x"].tolist(), strict=True):
        if given_value is None:
            assert pd.isna(taken)
        elif kind == "string":
            assert taken == str(given_value)
        elif kind == "float":  # has fewer digits, and overflows as a cast of NumPy's does
            assert taken == pytest.approx(float(given_value), rel=1e-6, abs=1e-30) or np.isinf(taken)
        elif isinstance(given_value, str) and kind != "boolean":  # objects are let through to a flag as they are
            assert float(given_value) == taken
        elif kind == "double":
            assert taken == float(given_value)
        else:
            assert taken == given_value


def test_a_table_may_come_column_by_column_or_as_one_row():
    schema = Schema([ColSpec("double", "x"), ColSpec("long", "n")])
    for body in ({"x": [1, 2], "n": [3, 4]}, {"x": 1, "n": 3}):
        data, _ = parse({"inputs": body, "ignored": 1}, schema)
        assert enforce_inputs(data, schema)["n"].tolist()[0] == 3
    with pytest.raises(InvalidValue, match="no name"):
        parse({"inputs": {"x": [1]}}, Schema([TensorSpec("float64", (-1,))]))


def test_a_model_is_asked_with_the_body_that_its_example_makes(tmp_path):
    table = pd.DataFrame({"x": [0.0, 1.0]})
    steno.save_model(LinearRegression().fit(table, [0.0, 2.0]), tmp_path / "m", input_example=table)
    body = (tmp_path / "m" / "serving_input_example.json").read_text()
    assert steno.models.validate_serving_input(tmp_path / "m", body).tolist() == pytest.approx([0.0, 2.0])
    with pytest.raises(SchemaMismatch, match="missing inputs"):
        steno.models.validate_serving_input(tmp_path / "m", {"dataframe_records": [{"y": 1}]})
