"""What `infer_signature` makes of samples; the JSON texts are those MLflow 3.17.2 gives for the same samples."""

from __future__ import annotations

import datetime
import json
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from steno.errors import InvalidValue
from steno.models import AnyType, ColSpec, ModelSignature, Schema, infer_signature

FRAMES = {
    "scalars": (
        pd.DataFrame(
            {
                "a": [1, 2],
                "b": ["x", None],
                "c": [True, False],
                "d": pd.to_datetime(["2020", "2021"]),
                "e": pd.Categorical(["p", "q"]),
                "f": [b"x", b"y"],
            }
        ),
        '[{"type": "long", "name": "a", "required": true}, {"type": "string", "name": "b", "required": false}, '
        '{"type": "boolean", "name": "c", "required": true}, {"type": "datetime", "name": "d", "required": true}, '
        '{"type": "string", "name": "e", "required": true}, {"type": "binary", "name": "f", "required": true}]',
    ),
    "nested": (
        pd.DataFrame(
            {
                "a": [[1, 2], [3]],
                "b": [{"x": 1, "z": "s"}, {"x": 2}],
                "c": [np.array([1.0, 2.0]), np.array([1.0])],
            }
        ),
        '[{"type": "array", "items": {"type": "long"}, "name": "a", "required": true}, {"type": "object", '
        '"properties": {"x": {"type": "long", "required": true}, "z": {"type": "string", "required": false}}, '
        '"name": "b", "required": true}, {"type": "array", "items": {"type": "double"}, "name": "c", '
        '"required": true}]',
    ),
    "nullable integers": (
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
        '[{"type": "long", "name": "a", "required": false}]',
    ),
    "nullable text": (
        pd.DataFrame({"a": pd.array(["a", None], dtype="string")}),
        '[{"type": "string", "name": "a", "required": false}]',
    ),
    "default names": (
        pd.DataFrame([[1.0, 2.0]]),
        '[{"type": "double", "name": 0, "required": true}, {"type": "double", "name": 1, "required": true}]',
    ),
    "missing numbers": (pd.DataFrame({"a": [1.0, None]}), '[{"type": "double", "name": "a", "required": false}]'),
    "nothing but missing": (pd.DataFrame({"a": [None, None]}), '[{"type": "any", "name": "a", "required": false}]'),
    "flags with a gap": (pd.DataFrame({"a": [True, None]}), '[{"type": "boolean", "name": "a", "required": false}]'),
    "lists with a gap": (
        pd.DataFrame({"a": [[1, None]]}),
        '[{"type": "array", "items": {"type": "long"}, "name": "a", "required": true}]',
    ),
    "an empty list": (
        pd.DataFrame({"a": [[], [1]]}),
        '[{"type": "array", "items": {"type": "long"}, "name": "a", "required": true}]',
    ),
    "no rows": (pd.DataFrame(columns=["a"]), '[{"type": "string", "name": "a", "required": true}]'),
    "a time zone": (
        pd.DataFrame({"d": pd.to_datetime(["2020"]).tz_localize("UTC")}),
        '[{"type": "datetime", "name": "d", "required": true}]',
    ),
    "a named series": (pd.Series([1, 2], name="q"), '[{"type": "long", "name": "q", "required": true}]'),
    "an unnamed series": (pd.Series([1.0, 2.0]), '[{"type": "double", "required": true}]'),
}
OTHERS = {
    "array": (
        np.zeros((2, 3), "f4"),
        '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]',
    ),
    "arrays by name": (
        {"x": np.zeros((2, 3)), "y": np.zeros(3)},
        '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}, '
        '{"name": "y", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]',
    ),
    "sparse": (
        sparse.csr_matrix(np.eye(3)),
        '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}]',
    ),
    "text array": (np.array(["a", "bcd"]), '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]'),
    "bytes array": (np.array([b"a"]), '[{"type": "tensor", "tensor-spec": {"dtype": "bytes", "shape": [-1]}}]'),
    "object array": (
        np.array([1, "x"], dtype=object),
        '[{"type": "tensor", "tensor-spec": {"dtype": "object", "shape": [-1]}}]',
    ),
    "dict": (
        {"x": 1, "y": "s", "z": [1, 2], "w": {"k": 1.5}, "e": [], "n": None},
        '[{"type": "long", "name": "x", "required": true}, {"type": "string", "name": "y", "required": true}, '
        '{"type": "array", "items": {"type": "long"}, "name": "z", "required": true}, {"type": "object", '
        '"properties": {"k": {"type": "double", "required": true}}, "name": "w", "required": true}, '
        '{"type": "any", "name": "e", "required": true}, {"type": "any", "name": "n", "required": false}]',
    ),
    "dicts": (
        [{"a": 1}, {"a": 2, "b": "x"}],
        '[{"type": "long", "name": "a", "required": true}, {"type": "string", "name": "b", "required": false}]',
    ),
    "dicts of lists of dicts": (
        [{"a": [{"b": 1}, {"b": 2, "c": 1}]}],
        '[{"type": "array", "items": {"type": "object", "properties": {"b": {"type": "long", "required": true}, '
        '"c": {"type": "long", "required": false}}}, "name": "a", "required": true}]',
    ),
    "dicts with None": ([{"a": None}, {"a": 1}], '[{"type": "long", "name": "a", "required": false}]'),
    "lists": ([[1, 2], [3]], '[{"type": "array", "items": {"type": "long"}, "required": true}]'),
    "arrays in a list": (
        {"x": [np.zeros(2)]},
        '[{"type": "array", "items": {"type": "array", "items": {"type": "double"}}, "name": "x", "required": true}]',
    ),
    "array beside a scalar": (
        {"x": np.zeros(2), "y": 1},
        '[{"type": "array", "items": {"type": "double"}, "name": "x", "required": true}, '
        '{"type": "long", "name": "y", "required": true}]',
    ),
    "integers": ([1, 2, 3], '[{"type": "long", "required": true}]'),
    "text": ("abc", '[{"type": "string", "required": true}]'),
    "float": (1.5, '[{"type": "double", "required": true}]'),
    "flag": (True, '[{"type": "boolean", "required": true}]'),
    "bytes": (b"x", '[{"type": "binary", "required": true}]'),
    "date": (datetime.date(2020, 1, 1), '[{"type": "datetime", "required": true}]'),
    "numpy scalar": (np.float32(1.5), '[{"type": "float", "required": true}]'),
    "empty list": ([], '[{"type": "string", "required": true}]'),
    "None and a number": ([None, 1], '[{"type": "long", "required": true}]'),
}
SAMPLES = FRAMES | OTHERS


@pytest.mark.parametrize(("sample", "expected"), SAMPLES.values(), ids=SAMPLES)
def test_a_sample_is_described_as_mlflow_describes_it(sample, expected):
    inputs = infer_signature(sample).inputs
    assert inputs is not None
    assert inputs.to_json() == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        *((name, "integer") for name in ("int8", "int16", "int32", "uint8", "uint16")),
        *((name, "long") for name in ("int64", "uint32")),
        *((name, "float") for name in ("float16", "float32")),
        ("float64", "double"),
        ("bool", "boolean"),
    ],
)
def test_a_numpy_column_keeps_its_width(dtype, expected):
    (spec,) = infer_signature(pd.DataFrame({"a": np.zeros(1, dtype)})).inputs
    assert str(spec.type) == expected


@pytest.mark.parametrize(
    "sample",
    [
        pd.DataFrame({"a": [1, "x"]}),
        pd.DataFrame({"a": np.zeros(1, "uint64")}),
        pd.DataFrame({"a": np.zeros(1, "complex64")}),
        pd.DataFrame({"t": pd.to_timedelta([1])}),
        [1, "a"],
        [1, 2.5],
        [{"a": {"k": 1}}, {"a": {"k": "x"}}],
        {},
        (1, 2),
        object(),
    ],
)
def test_what_cannot_be_described_is_any_and_said_in_the_log(sample, caplog):
    with caplog.at_level(logging.WARNING, "steno.models"):
        assert infer_signature(sample).inputs == Schema([ColSpec(AnyType())])
    assert "the model's inputs is `any`" in caplog.text


def test_params_are_described_by_their_defaults():
    params = {
        "t": 1.0,
        "n": 3,
        "s": "x",
        "b": True,
        "l": [1, 2],
        "d": datetime.datetime(2020, 1, 1),
        "o": {"k": 1},
        "np": np.float32(1.5),
        "dt": datetime.date(2020, 1, 2),
    }
    described = infer_signature([1], params=params).params
    assert described is not None
    assert described.to_json() == (
        '[{"name": "t", "default": 1.0, "shape": null, "type": "double"}, '
        '{"name": "n", "default": 3, "shape": null, "type": "long"}, '
        '{"name": "s", "default": "x", "shape": null, "type": "string"}, '
        '{"name": "b", "default": true, "shape": null, "type": "boolean"}, '
        '{"name": "l", "default": [1, 2], "shape": [-1], "type": "long"}, '
        '{"name": "d", "default": "2020-01-01T00:00:00", "shape": null, "type": "datetime"}, '
        '{"name": "o", "default": {"k": 1}, "shape": null, "type": "object", '
        '"properties": {"k": {"type": "long", "required": true}}}, '
        '{"name": "np", "default": 1.5, "shape": null, "type": "float"}, '
        '{"name": "dt", "default": "2020-01-02", "shape": null, "type": "datetime"}]'
    )


@pytest.mark.parametrize("default", [None, [1, "a"], [[1]], object()])
def test_a_default_that_tells_no_type_is_refused_by_name(default):
    with pytest.raises(InvalidValue, match=r"param 'p'"):
        infer_signature([1], params={"p": default})


def test_nothing_given_is_an_empty_signature():
    assert infer_signature().to_dict() == {"inputs": None, "outputs": None, "params": None}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_any_plain_sample_has_a_signature_that_comes_back_from_its_texts(sample):
    signature = infer_signature(sample, sample)
    assert ModelSignature.from_dict(json.loads(json.dumps(signature.to_dict()))) == signature
