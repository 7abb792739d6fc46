"""Tables of polars, pyarrow and others: described by their own types, given to models as pandas' of the same values."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression
from steno.errors import SchemaMismatch
from steno.models import ColSpec, Schema, TensorSpec, infer_signature, load_pyfunc, save_model
from steno.models.enforcement import enforce_inputs

MOMENT = datetime.datetime(2020, 1, 2, 3, 4, 5)
TABLE = pa.table(
    {
        "i8": pa.array([1, 2], pa.int8()),
        "u32": pa.array([1, None], pa.uint32()),
        "i64": pa.array([2**60 + 1, None], pa.int64()),
        "f32": pa.array([1.5, None], pa.float32()),
        "s": pa.array(["a", None]),
        "c": pa.array(["p", "q"]).dictionary_encode(),
        "b": pa.array([True, None]),
        "bin": pa.array([b"x", None]),
        "d": pa.array([MOMENT.date(), None]),
        "t": pa.array([MOMENT, None], pa.timestamp("ns")),
        "n": pa.array([Decimal("1.50"), Decimal("2.00")]),
        "l": pa.array([[1.5], []], pa.list_(pa.float32())),
        "o": pa.array([{"k": 1, "m": None}, {"k": 2, "m": "x"}], pa.struct({"k": pa.int64(), "m": pa.string()})),
    }
)
TYPES = {
    "i8": ("integer", True),
    "u32": ("long", False),
    "i64": ("long", False),
    "f32": ("float", False),
    "s": ("string", False),
    "c": ("string", True),
    "b": ("boolean", False),
    "bin": ("binary", False),
    "d": ("datetime", False),
    "t": ("datetime", False),
    "n": ("double", True),
    "l": ("array", True),
    "o": ("object", True),
}
FORMS = {
    "pyarrow": TABLE,
    "batch": TABLE.to_batches()[0],
    "polars": pl.from_arrow(TABLE),
    "pandas over arrow": TABLE.to_pandas(types_mapper=pd.ArrowDtype),
}


@pytest.mark.parametrize("table", FORMS.values(), ids=FORMS)
def test_columns_are_described_by_their_own_types(table):
    schema = infer_signature(table).inputs
    assert {spec.name: (spec.to_json()["type"], spec.required) for spec in schema} == TYPES
    nested = {spec.name: json.dumps(spec.to_json()) for spec in schema}
    assert '"items": {"type": "float"}' in nested["l"]
    assert '"k": {"type": "long", "required": true}, "m": {"type": "string", "required": false}' in nested["o"]


def test_a_table_that_is_not_computed_yet_is_described_without_computing_it():
    def explode(_):
        pytest.fail("computed")

    lazy = pl.from_arrow(TABLE.select(["i8", "s"])).lazy().map_batches(explode, schema={"i8": pl.Int8, "s": pl.String})
    assert [spec.to_json()["type"] for spec in infer_signature(lazy).inputs] == ["integer", "string"]


@pytest.mark.parametrize("table", FORMS.values(), ids=FORMS)
def test_a_model_is_given_pandas_columns_of_the_declared_types(table):
    frame = enforce_inputs(table, infer_signature(TABLE).inputs)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items() if name not in "sclo"} == {
        "i8": "int32",
        "u32": "Int64",
        "i64": "Int64",
        "f32": "float32",
        "b": "boolean",
        "bin": "object",
        "d": "datetime64[ns]",
        "t": "datetime64[ns]",
        "n": "float64",
    }
    assert list(frame["l"][0]) == [1.5]
    assert frame["o"][1] == {"k": 2, "m": "x"}
    assert frame["i64"][0] == 2**60 + 1
    assert frame["s"].tolist()[0] == "a"
    assert frame["d"][0] == pd.Timestamp("2020-01-02")


@pytest.mark.parametrize(
    ("column", "spec"),
    [
        (pl.Series("q", [1, None]), ColSpec("long", "q", required=False)),
        (pl.Series([1.5]), ColSpec("double")),
        (pa.chunked_array([["a"], ["b"]]), ColSpec("string")),
    ],
    ids=["polars", "polars without a name", "pyarrow"],
)
def test_a_column_alone_is_one_column(column, spec):
    assert infer_signature(column).inputs == Schema([spec])
    assert len(enforce_inputs(column, Schema([spec]))) == len(column)


def test_what_has_no_place_in_a_signature_is_any():
    assert (
        infer_signature(pl.DataFrame({"t": [datetime.time(1)]})).inputs.to_json()
        == '[{"type": "any", "required": true}]'
    )


def test_a_table_that_does_not_fit_is_refused_with_all_that_is_wrong():
    with pytest.raises(SchemaMismatch) as caught:
        enforce_inputs(pl.DataFrame({"a": ["x"], "b": [1.5]}), Schema([ColSpec("long", "a"), ColSpec("boolean", "b")]))
    assert len(caught.value.problems) == 2


def test_a_tensor_is_made_of_a_table_of_numbers():
    schema = Schema([TensorSpec("float64", (-1, 2))])
    assert enforce_inputs(pl.DataFrame({"x": [1.0], "y": [2.0]}), schema).tolist() == [[1.0, 2.0]]
    named = Schema([TensorSpec("float32", (-1, 2), "x")])
    assert enforce_inputs(pl.DataFrame({"x": [[1, 2], [3, 4]]}), named)["x"].dtype == np.float32


@pytest.mark.parametrize("trained_on", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_model_takes_tables_of_any_library_whatever_it_was_trained_on(trained_on, tmp_path):
    data = trained_on({"x": [1.0, 2.0, 3.0], "y": [0.0, 1.0, 0.0]})
    model = LinearRegression().fit(data, [1.0, 2.0, 3.0])
    save_model(model, tmp_path / "model", input_example=data)
    loaded = load_pyfunc(tmp_path / "model")
    expected = model.predict(data)
    for other in (pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table):
        given = other({"y": [0.0, 1.0, 0.0], "z": ["extra"] * 3, "x": [1.0, 2.0, 3.0]})
        np.testing.assert_array_equal(loaded.predict(given), expected)
    assert loaded.input_example.equals(pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0.0, 1.0, 0.0]}))


def test_narwhals_is_imported_only_when_such_a_table_is_met():
    script = (
        "import sys, pandas as pd, numpy as np; from steno.models import infer_signature; "
        "from steno.models.enforcement import enforce_inputs as e; d = pd.DataFrame({'a': [1, None]}); "
        "[e(x, infer_signature(x).inputs) for x in (d, d['a'], np.zeros((2, 2)), [1], {'a': 1}, 'x')]; "
        "assert not {'narwhals', 'polars'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
