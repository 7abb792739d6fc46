"""Three rules of signatures: they come back from JSON, accept what they were inferred from, and change no value."""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from steno.errors import SchemaMismatch
from steno.models import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    Map,
    ModelSignature,
    Object,
    ParamSchema,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
    infer_signature,
)
from steno.models.enforcement import enforce_inputs
from steno.models.example import Example

NAMES = st.text(max_size=4)
SCALARS = st.sampled_from(DataType)
TYPES = st.recursive(
    SCALARS | st.just(AnyType()),
    lambda inner: (
        st.builds(Array, inner)
        | st.builds(Map, inner)
        | st.lists(st.builds(Property, NAMES, inner, st.booleans()), max_size=3, unique_by=lambda each: each.name).map(
            Object
        )
    ),
    max_leaves=6,
)
COLUMN_NAMES = NAMES | st.integers() | st.tuples(NAMES, st.integers())
NAMED = st.builds(ColSpec, TYPES, COLUMN_NAMES, st.booleans())
TENSORS = st.builds(
    TensorSpec,
    st.sampled_from(["float32", "int64", "bool", "str", "object", "datetime64[ns]"]),
    st.lists(st.integers(-1, 5), min_size=1, max_size=3).map(tuple),
    NAMES,
)
SCHEMAS = (
    st.lists(NAMED, max_size=4, unique_by=lambda each: each.name)
    | st.lists(st.builds(ColSpec, TYPES), min_size=1, max_size=3)
    | st.lists(TENSORS, min_size=1, max_size=3, unique_by=lambda each: each.name)
).map(Schema)
FLOATS = st.floats(allow_nan=False)
PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | st.text(max_size=3)
MOMENTS = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 1, 1))
DEFAULTS = PLAIN | MOMENTS | st.dictionaries(NAMES.filter(bool), PLAIN, min_size=1, max_size=2)
PARAMS = st.dictionaries(NAMES, DEFAULTS, min_size=1, max_size=3)


@given(SCHEMAS, SCHEMAS | st.none(), PARAMS | st.none())
def test_a_signature_comes_back_from_its_json(inputs, outputs, params):
    signature = ModelSignature(inputs if len(inputs) else None, outputs if outputs and len(outputs) else None)
    if params is not None:
        signature.params = infer_signature([1], params=params).params
    again = ModelSignature.from_dict(json.loads(json.dumps(signature.to_dict())))
    assert again == signature
    assert again.inputs == signature.inputs
    assert [spec.default for spec in again.params or ()] == [spec.default for spec in signature.params or ()]


def test_a_list_of_moments_is_a_default_that_comes_back():
    default = [datetime.datetime(2020, 1, 1), datetime.datetime(2021, 1, 1)]
    schema = ParamSchema([ParamSpec("p", DataType.datetime, default, (-1,))])
    assert next(iter(ParamSchema.from_json(schema.to_json()))).default == default


def cells(dtype):
    """Values of a numpy, pandas or polars type by its lower-case name; None among them."""
    info = np.iinfo(dtype) if "int" in dtype else None
    if info is not None:
        return st.integers(int(info.min), int(info.max))
    return {
        "bool": st.booleans(),
        "float32": st.floats(width=32),
        "float64": st.floats(),
        "str": st.text(max_size=3),
        "bytes": st.binary(max_size=3),
        "date": st.dates(datetime.date(1700, 1, 1), datetime.date(2200, 1, 1)),
        "datetime": MOMENTS,
        "decimal": st.decimals(-100, 100, places=2, allow_nan=False),
        "list": st.lists(st.integers(-5, 5) | st.none(), max_size=3),
        "dict": st.fixed_dictionaries({"k": st.integers(0, 5)}, optional={"s": st.text(max_size=2)}),
        "nested": st.lists(st.fixed_dictionaries({"v": st.lists(FLOATS, max_size=2)}), max_size=2),
    }[dtype]


INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
OTHERS = ["bool", "float32", "float64", "str", "bytes", "date", "datetime", "decimal", "list", "dict", "nested"]


@st.composite
def pandas_columns(draw):
    dtype = draw(st.sampled_from(INTS + OTHERS))
    gaps = draw(st.booleans())
    values = draw(st.lists(cells(dtype) | st.none() if gaps else cells(dtype), max_size=4))
    form = draw(st.sampled_from(["own", "object", "category", "arrow"]))
    if form == "object" or (form == "category" and dtype in ("list", "dict", "nested")):
        return pd.Series(values, dtype=object)
    if form == "category":
        return pd.Series(pd.Categorical(values))
    if form == "arrow":
        return pd.Series(values, dtype=pd.ArrowDtype(arrow_type(dtype))) if values else pd.Series(values, dtype=object)
    if gaps and (dtype in INTS or dtype == "bool"):
        own = {"bool": "boolean"}.get(
            dtype, dtype.replace("u", "U", 1).replace("int", "Int", 1).replace("UInt", "UInt")
        )
        return pd.Series(pd.array(values, dtype=own.replace("Uint", "UInt")))
    return pd.Series(values, dtype=dtype if dtype in INTS or dtype.startswith(("float", "bool")) else None)


def arrow_type(dtype):
    return {
        "bool": pa.bool_(),
        "float32": pa.float32(),
        "float64": pa.float64(),
        "str": pa.string(),
        "bytes": pa.binary(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
        "decimal": pa.decimal128(10, 2),
        "list": pa.list_(pa.int64()),
        "dict": pa.struct({"k": pa.int64(), "s": pa.string()}),
        "nested": pa.list_(pa.struct({"v": pa.list_(pa.float64())})),
    }.get(dtype) or getattr(pa, dtype)()


@st.composite
def arrow_tables(draw):
    types = draw(st.lists(st.sampled_from(INTS + OTHERS), min_size=1, max_size=3))
    rows = draw(st.integers(0, 4))
    columns = [
        pa.array(draw(st.lists(cells(each) | st.none(), min_size=rows, max_size=rows)), arrow_type(each))
        for each in types
    ]
    return pa.table({f"c{at}": column for at, column in enumerate(columns)})


FRAMES = st.lists(pandas_columns(), min_size=1, max_size=3).map(
    lambda columns: pd.concat([each.reset_index(drop=True) for each in columns], axis=1, keys=range(len(columns)))
)
VALUES = st.recursive(
    st.none() | PLAIN | st.floats() | st.binary(max_size=3) | st.dates() | MOMENTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
).filter(lambda value: value is not None)
ARRAYS = st.sampled_from(
    [
        np.zeros((2, 3), "f4"),
        np.array(["a", "bc"]),
        np.array(1.5),
        np.array([1, "x"], dtype=object),
        {"x": np.zeros(2), "y": np.zeros((2, 2), bool)},
        sparse.csr_matrix(np.eye(3)),
        sparse.coo_matrix(np.eye(3)),
        np.array(["2020-01-01"], "M8[ns]"),
        {"x": np.zeros(2), "y": 1},
        [np.zeros(2, "f4"), np.ones(2, "f4")],
        [np.float32(1.5), None],
        np.float32(1.5),
        (1, 2),
        {1, 2},
    ]
)


@settings(max_examples=300, deadline=None)
@given(FRAMES | VALUES | ARRAYS | arrow_tables() | arrow_tables().map(pl.from_arrow))
def test_a_signature_accepts_what_it_was_inferred_from(sample):
    enforce_inputs(sample, infer_signature(sample).inputs)


def plain(value):
    """A cell for comparison: numbers as Python's, moments without a zone's name, None for whatever is missing."""
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value]
    if isinstance(value, list):
        return list(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, np.generic):
        value = value.astype("M8[us]").item() if value.dtype.kind == "M" else value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime(warn=False)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    return value


@settings(max_examples=500, deadline=None)
@given(pandas_columns(), st.sampled_from([*DataType, AnyType(), Array("long")]), st.booleans())
def test_enforcement_never_changes_a_value_it_accepts(column, kind, required):
    try:
        frame = enforce_inputs(column.to_frame("a"), Schema([ColSpec(kind, "a", required)]))
    except SchemaMismatch:
        return
    before, after = [plain(each) for each in column], [plain(each) for each in frame["a"]]
    assert [type(each) is bool for each in before] == [type(each) is bool for each in after]
    # A decimal has no exact form in a signature: it becomes the nearest double, as MLflow has it.
    assert after == [now if now == rounded(each) else each for each, now in zip(before, after, strict=True)]


TABLES = [pl.from_arrow, lambda table: table, lambda table: pl.from_arrow(table).lazy()]


@pytest.mark.parametrize("convert", TABLES, ids=["polars", "pyarrow", "lazy"])
@settings(max_examples=60, deadline=None)
@given(arrow_tables())
def test_a_table_of_any_library_is_given_to_the_model_with_the_same_values(convert, table):
    schema = Schema([ColSpec(AnyType(), name) for name in table.column_names])
    frame = enforce_inputs(convert(table), schema)
    assert isinstance(frame, pd.DataFrame)
    for name in table.column_names:
        assert [plain(each) for each in frame[name]] == [plain(each) for each in table[name].to_pylist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


def back(example, folder):
    """An example as it comes back from its file, with the help of the signature inferred from it."""
    info = Example.of(example).write(folder)
    json.loads((folder / "serving_input_example.json").read_text() if "serving_input_path" in info else "{}")
    return Example.read(folder, info, infer_signature(example).inputs).inputs


@settings(max_examples=200, deadline=None)
@given(arrow_tables().filter(len).map(lambda table: table.to_pandas(types_mapper=nullable)))
def test_a_table_as_an_example_comes_back_with_its_values_and_types(folder, frame):
    schema = infer_signature(frame).inputs
    if schema == Schema([ColSpec(AnyType())]):
        return
    found = back(frame, folder)
    for name in frame.columns:
        assert [plain(each) for each in found[name]] == [rounded(plain(each)) for each in frame[name]]
    enforce_inputs(found, schema)


def nullable(kind):
    """pandas' own type for what numpy has no gap for, as people read their files."""
    names = {str(getattr(pa, name)()): name for name in INTS}
    own = {"bool": "boolean", **{text: name.replace("int", "Int").replace("uI", "UI") for text, name in names.items()}}
    return pd.api.types.pandas_dtype(own[str(kind)]) if str(kind) in own else None


def rounded(value):
    """A decimal as JSON has it."""
    return float(value) if isinstance(value, Decimal) else value


@settings(max_examples=200, deadline=None)
@given(VALUES.filter(lambda value: not isinstance(value, tuple)))
def test_plain_data_as_an_example_comes_back_with_its_values_and_types(folder, value):
    schema = infer_signature(value).inputs
    if schema != Schema([ColSpec(AnyType())]) and not mixed(schema):
        assert plain(back(value, folder)) == plain(value)


def mixed(schema):
    """Whether some of it is of no known type, so that JSON alone says what it is."""
    return '"any"' in schema.to_json()


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, np.nan]], "f4"),
        np.array([np.inf, -np.inf]),
        np.array([1, 2], "i1"),
        np.array(["2020-01-01T00:00:00.123456789", "NaT"], "M8[ns]"),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bc"]),
        np.array([True]),
        np.zeros((2, 0, 3), "f4"),
        {"x": np.array([1], "u2"), "y": np.array([[1.5]], "f2")},
        sparse.csr_matrix(np.eye(2, dtype="f4")),
        sparse.csc_matrix(np.eye(2)),
    ],
    ids=lambda array: str(getattr(array, "dtype", "dict")),
)
def test_an_array_as_an_example_comes_back_with_its_values_and_types(folder, array):
    found = back(array, folder)
    pairs = [(found[name], array[name]) for name in array] if isinstance(array, dict) else [(found, array)]
    for given_back, original in pairs:
        assert type(given_back) is type(original)
        assert given_back.dtype == original.dtype
        dense = [each.toarray() if sparse.issparse(each) else each for each in (given_back, original)]
        np.testing.assert_array_equal(*dense)
