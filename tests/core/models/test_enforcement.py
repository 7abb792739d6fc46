"""What `predict` does with inputs and params that fit the signature, nearly fit, or do not; as MLflow 3.17.2 does."""

from __future__ import annotations

import datetime
import logging

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from steno.errors import InvalidValue
from steno.models import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    Map,
    Object,
    ParamSchema,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
)
from steno.models.enforcement import enforce_inputs, enforce_params

NUMBERS = ("int8", "int32", "int64", "uint8", "uint32", "uint64", "float16", "float32", "float64", "bool")
# Which numpy column (of the values 0 and 2) may become which type, and as what.
CASTS = {
    "boolean": {"bool": "bool"},
    "integer": dict.fromkeys(("int8", "int32", "uint8"), "int32"),
    "long": dict.fromkeys(("int8", "int32", "int64", "uint8", "uint32"), "int64"),
    "float": dict.fromkeys(("float16", "float32"), "float32"),
    "double": dict.fromkeys(("int8", "int32", "uint8", "uint32", "float16", "float32", "float64"), "float64"),
    "string": {},
    "binary": {},
    "datetime": {},
}


def one(kind, **options):
    return Schema([ColSpec(kind, "a", **options)])


def column(values, **options):
    return pd.DataFrame({"a": values}, **options)


def enforced(data, schema):
    return enforce_inputs(data, schema)["a"]


@pytest.mark.parametrize("kind", CASTS)
@pytest.mark.parametrize("dtype", NUMBERS)
def test_a_column_is_cast_only_where_no_value_can_change(kind, dtype):
    data = column(np.array([0, 2], dtype))
    if dtype in CASTS[kind]:
        cast = enforced(data, one(kind))
        assert str(cast.dtype) == CASTS[kind][dtype]
        assert cast.tolist() == data["a"].tolist()
    else:
        with pytest.raises(InvalidValue, match=f"schema enforcement failed: column 'a' takes {kind}, and {dtype}"):
            enforce_inputs(data, one(kind))


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("double", np.array([0, 1]), "float64"),
        ("float", np.array([0, 1]), "float32"),
        ("double", pd.Series([1.5, None], dtype=object), "float64"),
        ("long", pd.Series([1, 2], dtype=object), "int64"),
        ("boolean", pd.Series([True, None], dtype=object), "object"),
        ("string", ["x", "y"], "str"),
        ("string", pd.Series([1, 2], dtype=object), "object"),
        ("binary", pd.Series([b"x", b"y"], dtype=object), "object"),
        ("binary", ["x", "y"], "str"),
        ("datetime", pd.to_datetime(["2020"]), "datetime64[ns]"),
        ("datetime", pd.Series([datetime.datetime(2020, 1, 1)], dtype=object), "datetime64[ns]"),
        ("datetime", pd.Series(["2020-01-01"], dtype=object), "datetime64[ns]"),
        ("datetime", ["2020-01-01", None], "datetime64[ns]"),
        ("datetime", np.array(["3020-01-01"], "M8[us]"), "datetime64[us]"),
        ("string", pd.Categorical(["p", "q"]), "category"),
        ("long", pd.array([1, None], dtype="Int64"), "Int64"),
    ],
)
def test_columns_that_may_pass(kind, values, dtype):
    assert str(enforced(column(values), one(kind)).dtype) == dtype


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", np.array([0, 1])),
        ("long", [1.0, None]),
        ("long", ["x"]),
        ("double", ["x"]),
        ("double", pd.Series([b"x"], dtype=object)),
        ("double", pd.Series([1, 2], dtype=object)),
        ("double", pd.to_datetime(["2020"])),
        ("boolean", ["x"]),
        ("boolean", pd.Series([1.5, None], dtype=object)),
        ("string", pd.to_datetime(["2020"])),
        ("string", pd.Categorical([1, 2])),
        ("datetime", pd.to_datetime(["2020"]).tz_localize("UTC")),
        ("datetime", pd.Series([b"x"], dtype=object)),
        ("datetime", pd.Series([1, 2], dtype=object)),
        ("datetime", ["01/02/2020"]),
        ("integer", pd.array([1, None], dtype="Int64")),
    ],
)
def test_columns_that_may_not_pass(kind, values):
    with pytest.raises(
        InvalidValue,
        match=f"schema enforcement failed: column 'a' .*{'datetime|time zone' if kind == 'datetime' else kind}",
    ):
        enforce_inputs(column(values), one(kind))


TWO = Schema([ColSpec("double", "a"), ColSpec("string", "b", required=False)])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pd.DataFrame({"b": ["x"], "a": [1.0]}), {"a": [1.0], "b": ["x"]}),
        (pd.DataFrame({"a": [1.0], "c": [2]}), {"a": [1.0]}),
        ({"a": 1.0, "b": "x"}, {"a": [1.0], "b": ["x"]}),
        ({"a": [1.0, 2.0], "b": ["x", "y"]}, {"a": [1.0, 2.0], "b": ["x", "y"]}),
        ([{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}], {"a": [1.0, 2.0], "b": ["x", "y"]}),
        ({"a": np.array([1.0, 2.0])}, {"a": [1.0, 2.0]}),
        (pd.Series([1.0, 2.0], name="a"), {"a": [1.0, 2.0]}),
    ],
)
def test_named_columns_are_put_in_order_and_extra_ones_dropped(data, expected):
    frame = enforce_inputs(data, TWO)
    assert list(frame.columns) == list(expected)
    assert frame.to_dict("list") == expected


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"b": ["x"], "c": [1]}),
        np.array([[1.0], [2.0]]),
        pd.Series([1.0, 2.0]),
        [1.0, 2.0],
        1.0,
        "x",
        [[1.0, "x"]],
    ],
    ids=str,
)
def test_a_missing_required_column_is_named_with_what_came_instead(data):
    with pytest.raises(InvalidValue, match=r"missing inputs \['a'\]; there were extra inputs \["):
        enforce_inputs(data, TWO)


def test_an_array_is_the_only_required_column():
    assert enforce_inputs(np.array([1.0, 2.0]), one("double")).to_dict("list") == {"a": [1.0, 2.0]}


def test_what_is_no_table_is_refused():
    with pytest.raises(InvalidValue, match="not object"):
        enforce_inputs(object(), TWO)


COUNTED = Schema([ColSpec("double"), ColSpec("long")])


def test_unnamed_columns_go_by_position_and_surplus_ones_are_dropped():
    frame = enforce_inputs(pd.DataFrame({"q": [1.0], "r": [2], "s": ["x"]}), COUNTED)
    assert frame.to_dict("list") == {"q": [1.0], "r": [2]}
    assert enforce_inputs([[1.0, 2]], COUNTED).to_dict("list") == {0: [1.0], 1: [2]}


def test_too_few_unnamed_columns_are_counted():
    with pytest.raises(InvalidValue, match="takes 2 columns and 1 were given"):
        enforce_inputs(pd.DataFrame({"q": [1.0]}), COUNTED)


@pytest.mark.parametrize("data", ["abc", ["abc"], pd.Series(["abc"]), pd.DataFrame({"z": ["abc"]}), np.array(["abc"])])
def test_a_single_unnamed_text_column_takes_text_in_any_container(data):
    assert enforce_inputs(data, Schema([ColSpec("string")])).iloc[:, 0].tolist() == ["abc"]


LIST = one(Array(DataType.double))
OBJECT = one(Object([Property("k", "long"), Property("s", "string", required=False)]))
MAP = one(Map(DataType.long))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (LIST, [1.0, 2.0]),
        (LIST, np.array([1.0, 2.0])),
        (LIST, [1.0, None]),
        (OBJECT, {"k": 1}),
        (OBJECT, {"k": 1, "s": "x"}),
        (OBJECT, {"k": 1, "s": None}),
        (MAP, {"x": 1, "y": 2}),
        (one(AnyType()), object),
        (one(Array(DataType.double), required=False), None),
    ],
    ids=str,
)
def test_nested_values_pass_as_they_are(schema, value):
    assert enforced(column(pd.Series([value], dtype=object)), schema)[0] is value


@pytest.mark.parametrize(
    ("schema", "value", "cause"),
    [
        (LIST, 1.0, "takes a list"),
        (LIST, None, "takes a list"),
        (LIST, [1, 2], "takes double"),
        (LIST, ["x"], "takes double"),
        (OBJECT, {"s": "x"}, "lacks the property 'k'"),
        (OBJECT, {"k": 1, "z": 2}, "does not declare: z"),
        (OBJECT, {"k": "x"}, "property 'k' takes long"),
        (OBJECT, {"k": None}, "property 'k' takes long, not None"),
        (one(Array("integer")), [2**40], "takes integer"),
        (LIST, np.array([1, 2]), "takes a list, not an array of int64"),
        (OBJECT, None, "takes a dict"),
        (MAP, {"k": "x"}, "takes long"),
        (MAP, {1: 1}, "takes text as keys"),
    ],
    ids=str,
)
def test_nested_values_that_do_not_fit_name_the_place(schema, value, cause):
    with pytest.raises(InvalidValue, match=f"column 'a'.* {cause}"):
        enforce_inputs(column(pd.Series([value], dtype=object)), schema)


def test_a_dict_is_one_row_where_a_column_holds_lists():
    assert enforced({"a": [1.0, 2.0]}, LIST).tolist() == [[1.0, 2.0]]
    assert enforced({"a": {"k": 1}}, OBJECT).tolist() == [{"k": 1}]


PLAIN = Schema([TensorSpec("float32", (-1, 2))])
NAMED = Schema([TensorSpec("float64", (-1, 2), "x"), TensorSpec("int64", (-1,), "y")])


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((1, 2), "f4"),
        pd.DataFrame(np.zeros((1, 2), "f4")),
        pd.DataFrame({"a": [[0.0, 0.0]]}),
        sparse.csr_matrix(np.zeros((1, 2), "f4")),
        sparse.csc_matrix(np.zeros((1, 2), "f4")),
    ],
    ids=lambda data: type(data).__name__,
)
def test_a_tensor_comes_from_an_array_a_table_or_a_sparse_matrix(data):
    array = enforce_inputs(data, PLAIN)
    assert (array.shape, array.dtype) == ((1, 2), np.float32)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (np.zeros((1, 2)), "dtype float64"),
        (np.zeros((1, 3), "f4"), r"shape \(1, 3\)"),
        (np.zeros(2, "f4"), r"shape \(2,\)"),
        (pd.DataFrame(np.zeros((1, 2))), "dtype float64"),
        (pd.DataFrame(np.zeros((1, 3), "f4")), "3 columns"),
        ([[0.0, 0.0]], "not list"),
        (sparse.coo_matrix(np.zeros((1, 2), "f4")), "not coo_matrix"),
        ({"a": np.zeros((1, 2), "f4")}, "not dict"),
    ],
    ids=str,
)
def test_a_tensor_of_another_kind_shape_or_dtype_is_refused(data, cause):
    with pytest.raises(InvalidValue, match=cause):
        enforce_inputs(data, PLAIN)


def test_named_tensors_come_by_name_and_extra_ones_are_dropped():
    arrays = enforce_inputs({"x": np.zeros((1, 2)), "y": np.zeros(1, "i8"), "z": 1}, NAMED)
    assert arrays.keys() == {"x", "y"}
    arrays = enforce_inputs(pd.DataFrame({"x": [[1.0, 2.0]], "y": [1]}), NAMED)
    assert arrays["x"].tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ({"x": np.zeros((1, 2))}, r"missing inputs \['y'\]"),
        ({"x": [[0.0, 0.0]], "y": [1]}, "'x' takes a numpy array, not list"),
        (np.zeros((1, 2)), "arrays by name"),
    ],
)
def test_named_tensors_that_do_not_come_are_named(data, cause):
    with pytest.raises(InvalidValue, match=cause):
        enforce_inputs(data, NAMED)


def test_a_tensor_of_objects_takes_anything_and_one_of_text_any_width():
    assert enforce_inputs(np.array([[1]]), Schema([TensorSpec("object", (-1,))])).tolist() == [[1]]
    assert enforce_inputs(np.array(["abc"]), Schema([TensorSpec("str", (-1,))])).tolist() == ["abc"]
    with pytest.raises(InvalidValue, match="dtype int64"):
        enforce_inputs(np.array([1]), Schema([TensorSpec("str", (-1,))]))


PARAMS = ParamSchema(
    [
        ParamSpec("t", DataType.double, 1.0),
        ParamSpec("n", DataType.long, 3),
        ParamSpec("l", DataType.long, [1], (-1,)),
        ParamSpec("s", DataType.string, "x"),
        ParamSpec("f", DataType.float, 1.0),
        ParamSpec("b", DataType.boolean, True),
        ParamSpec("d", DataType.datetime, datetime.datetime(2020, 1, 1)),
        ParamSpec("i", DataType.integer, 1),
        ParamSpec("o", Object([Property("k", DataType.long)]), {"k": 1}),
    ]
)
DEFAULTS = {spec.name: spec.default for spec in PARAMS}


@pytest.mark.parametrize("given", [None, {}], ids=str)
def test_params_that_are_not_given_take_their_defaults(given):
    assert enforce_params(given, PARAMS) == DEFAULTS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"t": 2}, {"t": 2.0}),
        ({"f": 2}, {"f": 2.0}),
        ({"l": [2, 3]}, {"l": [2, 3]}),
        ({"l": np.array([2])}, {"l": [2]}),
        ({"s": None}, {"s": None}),
        ({"n": np.int32(4)}, {"n": 4}),
        ({"t": np.float32(1.5)}, {"t": 1.5}),
        ({"i": 2}, {"i": 2}),
        ({"d": "2021-01-01"}, {"d": datetime.datetime(2021, 1, 1)}),
        ({"d": datetime.date(2021, 1, 1)}, {"d": datetime.date(2021, 1, 1)}),
        ({"o": {"k": 2}}, {"o": {"k": 2}}),
    ],
    ids=str,
)
def test_params_that_fit_without_loss_are_taken(given, expected):
    taken = enforce_params(given, PARAMS)
    assert taken == DEFAULTS | expected
    (name,) = expected
    assert type(taken[name]) is type(expected[name])


@pytest.mark.parametrize(
    "given",
    [
        {"t": "2"},
        {"n": 2.5},
        {"n": 2.0},
        {"n": True},
        {"n": [1]},
        {"l": 2},
        {"l": ["a"]},
        {"s": 1},
        {"b": 1},
        {"d": "yesterday"},
        {"o": {"k": "x"}},
        {"o": {}},
    ],
    ids=str,
)
def test_params_that_do_not_fit_are_refused_by_name(given):
    (name,) = given
    with pytest.raises(InvalidValue, match=f"schema enforcement failed: param '{name}'"):
        enforce_params(given, PARAMS)


def test_all_params_that_do_not_fit_are_named_at_once():
    with pytest.raises(InvalidValue, match=r"'t'.*'n'"):
        enforce_params({"t": "2", "n": 2.5}, PARAMS)


@pytest.mark.parametrize("schema", [None, PARAMS], ids=["no params declared", "others declared"])
def test_params_the_signature_does_not_declare_are_dropped_with_a_warning(schema, caplog):
    with caplog.at_level(logging.WARNING, "steno.models"):
        assert "zz" not in enforce_params({"zz": 1}, schema)
    assert "does not declare are ignored: zz" in caplog.text


def test_a_column_given_twice_is_refused_by_name():
    with pytest.raises(InvalidValue, match=r"\['a'\] were given more than once"):
        enforce_inputs(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), TWO)
