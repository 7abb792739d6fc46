"""Data and params as text: bounded, the same everywhere, and never at the cost of the user's objects."""

from __future__ import annotations

import datetime
import enum
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from steno.autolog.describe import describe_data, flatten_params
from steno.tracking.limits import check_key


def digest_of(X, y=None):
    return describe_data(X, y).dataset.digest


def test_an_array_has_mlflows_schema_and_profile():
    found = describe_data(np.ones((3, 2)), np.arange(3), context="eval", name="holdout")
    dataset = found.dataset
    assert (dataset.name, dataset.source_type, found.tags[0].value) == ("holdout", "code", "eval")
    spec = json.loads(dataset.schema)["mlflow_tensorspec"]
    assert json.loads(spec["features"]) == [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
    assert json.loads(spec["targets"]) == [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
    profile = json.loads(dataset.profile)
    assert profile["features_shape"] == [3, 2]
    assert (profile["features_size"], profile["features_nbytes"], profile["targets_size"]) == (6, 48, 3)
    assert "mlflow.user" in json.loads(dataset.source)["tags"]


def test_a_frame_has_mlflows_columns():
    frame = pd.DataFrame({"a": [1.0], "b": [1], "c": ["x"], "d": [True], "e": pd.to_datetime(["2024-01-01"])})
    frame["f"], frame["g"] = frame["a"].astype("float32"), frame["b"].astype("int16")
    dataset = describe_data(frame).dataset
    columns = {column["name"]: column["type"] for column in json.loads(dataset.schema)["mlflow_colspec"]}
    kinds = ["double", "long", "string", "boolean", "datetime", "float", "integer"]
    assert columns == dict(zip("abcdefg", kinds, strict=True))
    assert json.loads(dataset.profile) == {"num_rows": 1, "num_elements": 7}


KINDS = {
    "array": lambda v: np.full((4, 2), v),
    "objects": lambda v: np.array([["a", v], ["b", None]], dtype=object),
    "text": lambda v: np.array(["a", str(v)]),
    "fortran": lambda v: np.asfortranarray(np.full((4, 2), v)),
    "scalar": lambda v: np.array(v),
    "frame": lambda v: pd.DataFrame({"a": [1, v], "b": ["x", "y"]}),
    "series": lambda v: pd.Series([1.0, v]),
    "categories": lambda v: pd.Series([str(v), "b"], dtype="category"),
    "list": lambda v: [1, 2, v],
    "rows": lambda v: [[1, 2], [3, v]],
    **{f: lambda v, f=f: scipy.sparse.coo_array(np.diag([1.0, v])).asformat(f) for f in ("csr", "csc", "coo", "dia")},
}


@pytest.mark.parametrize("kind", KINDS)
def test_equal_data_has_one_digest_and_other_data_another(kind):
    make = KINDS[kind]
    first = digest_of(make(5))
    assert len(first) == 8
    int(first, 16)
    assert digest_of(make(5)) == first
    assert digest_of(make(6)) != first
    assert digest_of(np.arange(3), make(5)) != digest_of(np.arange(3), make(6))


def test_shape_type_and_targets_count_in_the_digest():
    X = np.arange(6.0)
    digests = [digest_of(x) for x in (X, X.reshape(2, 3), X.reshape(3, 2), X.astype("float32"), X[:5])]
    digests.append(digest_of(X, X))
    assert len(set(digests)) == 6


def test_a_digest_is_the_same_in_every_process():
    code = """
import numpy as np, pandas as pd
from steno.autolog.describe import describe_data
frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
print(describe_data(frame).dataset.digest, describe_data({1, 2}).dataset.digest)
"""
    found = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=60
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1] != b""


def test_large_data_is_sampled_and_nothing_is_densified():
    import tracemalloc

    big = np.zeros((200_000, 50))
    places = np.arange(200_000)
    sparse = scipy.sparse.csr_array((places * 0.5, (places % 20_000, places % 99_991)), shape=(20_000, 100_000))
    frame = pd.DataFrame(np.zeros((50_000, 200)))
    describe_data(big[:3])  # plugins load on first need
    tracemalloc.start()
    try:
        for data in (big, sparse, frame):
            describe_data(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    changed = big.copy()
    changed[-1, -1] = 1
    assert digest_of(changed) != digest_of(big)


def test_iterators_and_unknown_objects_are_told_by_type_alone():
    drawn = iter([1, 2, 3])
    dataset = describe_data(drawn).dataset
    assert list(drawn) == [1, 2, 3]
    assert dataset.schema == ""
    assert "list_iterator" in json.loads(dataset.profile)["type"]

    class Hostile:
        def __getattr__(self, name):
            raise RuntimeError(name)

        def __len__(self):
            raise RuntimeError("len")

        def __repr__(self):
            raise RuntimeError("repr")

    assert len(digest_of(Hostile())) == 8
    assert digest_of([Hostile(), Hostile()]) == digest_of([Hostile(), Hostile()])


def test_an_array_of_a_strange_make_is_told_by_type():
    class Broken(np.ndarray):
        def tobytes(self, order="C"):
            raise RuntimeError

    assert len(digest_of(np.ones(3).view(Broken))) == 8


def test_params_are_flat_and_estimators_are_short():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    flat = flatten_params(pipeline.get_params())
    assert flat["logisticregression"] == "LogisticRegression(C=0.5)"
    assert flat["logisticregression__C"] == "0.5"
    assert flat["steps"] == (
        "[('standardscaler', StandardScaler()), ('logisticregression', LogisticRegression(C=0.5))]"
    )


class Colour(enum.Enum):
    RED = 1


class Slow:
    """An object whose repr must not be asked for."""

    def __repr__(self):
        raise RuntimeError("asked")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"b": {"c": 1}}, {"a.b.c": "1"}),
        ({}, {"a": "{}"}),
        (np.zeros((3, 2)), {"a": "ndarray(shape=(3, 2), dtype=float64)"}),
        (np.float32(0.5), {"a": "0.5"}),
        (np.int64(3), {"a": "3"}),
        (pd.DataFrame({"x": [1]}), {"a": "DataFrame(shape=(1, 1))"}),
        (Colour.RED, {"a": "Colour.RED"}),
        (Slow(), {"a": "Slow"}),
        ([Slow(), 1], {"a": "[Slow, 1]"}),
        (Slow, {"a": "Slow"}),
        (len, {"a": "len"}),
        (Path("x/y"), {"a": "x/y"}),
        (datetime.date(2024, 1, 2), {"a": "2024-01-02"}),
        (None, {"a": "None"}),
        (True, {"a": "True"}),
        (0.1, {"a": "0.1"}),
        ("text", {"a": "text"}),
    ],
    ids=lambda value: "" if isinstance(value, dict) else type(value).__name__,
)
def test_values_are_shown_shortly(value, shown):
    assert flatten_params({"a": value}) == shown


def test_there_is_an_end_to_params():
    deep: dict = {}
    inner = deep
    for _ in range(100):
        inner["d"] = {}
        inner = inner["d"]
    circle: list = []
    circle.append(circle)
    flat = flatten_params({**{f"k{i}": i for i in range(1000)}, "x" * 900: 1}, limit=50)
    assert len(flat) == 50
    assert len(flatten_params({"x" * 900: 1})) == 1
    assert sum(map(len, flatten_params({"deep": deep, "circle": circle, "long": "y" * 10**6}).values())) < 20_000
    assert len(flatten_params({"many": list(range(10**6))})["many"]) < 1000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(st.dictionaries(st.text(), VALUES))
def test_any_plain_params_become_bounded_texts(params):
    flat = flatten_params(params)
    for key, value in flat.items():
        assert 0 < len(key) <= 250
        assert len(value) <= 6000
    assert len(flat) <= 300


@given(st.lists(st.floats() | st.integers() | st.text()))
def test_any_list_has_a_repeatable_digest(values):
    assert digest_of(values) == digest_of(list(values))


def test_keys_may_be_recorded():
    for key in flatten_params({"a b/c": 1, "bad\nkey": 2, "ü": 3, "": 4}):
        check_key("param", key)
