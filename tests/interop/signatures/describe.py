"""Says what a library makes of samples: how it describes each, which columns a schema takes, how examples are kept.

python describe.py <mlflow|steno> <folder>
"""

from __future__ import annotations

import datetime
import importlib
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
name, folder = sys.argv[1], Path(sys.argv[2])
models = importlib.import_module(f"{name}.models")
moment = datetime.datetime(2020, 1, 2)


def objects(*values):
    return pd.Series(values, dtype=object)


COLUMNS = {
    **{dtype: pd.Series(np.array([0, 2], dtype)) for dtype in ("int8", "int16", "int32", "int64")},
    **{dtype: pd.Series(np.array([0, 2], dtype)) for dtype in ("uint8", "uint16", "uint32", "float32", "float64")},
    "zeros and ones": pd.Series([0, 1]),
    "bool": pd.Series([True, False]),
    "str": pd.Series(["a", "b"]),
    "bytes": objects(b"a", b"b"),
    "datetime": pd.to_datetime(pd.Series(["2020", "2021"])),
    "date": objects(moment.date(), moment.date()),
    "ISO text": objects("2020-01-01", "2021-01-01"),
    "category": pd.Series(pd.Categorical(["a", "b"])),
    "category of numbers": pd.Series(pd.Categorical([1, 2])),
    "Int64": pd.Series(pd.array([1, 2], dtype="Int64")),
    "Int32": pd.Series(pd.array([1, 2], dtype="Int32")),
    "Int64 with a gap": pd.Series(pd.array([1, None], dtype="Int64")),
    "Int32 with a gap": pd.Series(pd.array([1, None], dtype="Int32")),
    "Float64 with a gap": pd.Series(pd.array([1.5, None], dtype="Float64")),
    "boolean with a gap": pd.Series(pd.array([True, None], dtype="boolean")),
    "float with a gap": pd.Series([1.5, None]),
    "whole float with a gap": pd.Series([1.0, None]),
    "str with a gap": objects("a", None),
    "flags with a gap": objects(True, None),
    "numbers with a gap": objects(1, None),
    "lists": objects([1, 2], [3]),
    "lists of floats": objects([1.5], [2.0, 3.0]),
    "arrays": objects(np.array([1.5], "f4"), np.array([2.0, 3.0], "f4")),
    "tables in cells": objects(np.zeros((2, 2), "f4"), np.ones((1, 2), "f4")),
    "lists with a gap": objects([1], None),
    "dicts": objects({"k": 1, "s": "x"}, {"k": 2}),
    "dicts of lists": objects({"k": [1.5]}, {"k": []}),
    "empty": objects([], []),
}
SAMPLES = {
    **{what: column.to_frame("a") for what, column in COLUMNS.items()},
    "columns": pd.DataFrame({"a": [1], "b": ["x"], 3: [1.5]}),
    "levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])),
    "no columns": pd.DataFrame(),
    "series": pd.Series([1, 2], name="q"),
    "array": np.zeros((2, 3), "f4"),
    "array of text": np.array(["a", "bcd"]),
    "array without axes": np.array(1.5),
    "array of moments": np.array(["2020-01-01"], "M8[ns]"),
    "arrays by name": {"x": np.zeros((2, 3)), "y": np.zeros(3, "i4")},
    "sparse": sparse.csr_matrix(np.eye(3)),
    "dict": {"x": 1, "y": "s", "z": [1, 2], "w": {"k": 1.5}, "e": [], "n": None},
    "dict deep": {"a": {"b": {"c": [1.5]}}, "l": [{"k": 1}, {"k": 2, "m": True}]},
    "rows": [{"a": 1}, {"a": 2, "b": "x"}],
    "rows with None": [{"a": None}, {"a": 1}],
    "rows with empty lists": [{"a": []}, {"a": [1]}],
    "numbers": [1, 2],
    "text": "abc",
    "lists of lists": [[1, 2], [3]],
    "bytes alone": b"x",
    "float": 1.5,
    "float32": np.float32(1.5),
    "None among": [None, 1],
    "chat": {"messages": [{"role": "user", "content": "hello"}]},
    "mixed": [1, "a"],
    "tuple": (1, 2),
}
EXAMPLES = ("columns", "array", "arrays by name", "sparse", "dict deep", "numbers", "text", "float", "chat")


def schema_of(sample):
    return models.infer_signature(sample).inputs


def accepts(schema, data):
    try:
        models.validate_schema(data, schema)
    except Exception:
        return False
    return True


def kept(what):
    """What the files of an example say, and what comes back of it."""
    path = folder / f"{name}-{what.replace(' ', '-')}"
    pyfunc = importlib.import_module(f"{name}.pyfunc")
    signature = models.infer_signature(SAMPLES[what])
    options = {"pip_requirements": ["numpy"]}
    pyfunc.save_model(path, python_model=echo, input_example=SAMPLES[what], signature=signature, **options)
    request = path / "serving_input_example.json"
    return {
        "info": models.Model.load(path).saved_input_example_info,
        "file": json.loads((path / "input_example.json").read_text()),
        "request": json.loads(request.read_text()) if request.is_file() else None,
    }


def echo(model_input):
    return [1]


def main():
    schemas = {what: schema_of(sample) for what, sample in SAMPLES.items()}
    found = {
        "described": {what: schema.to_dict() for what, schema in schemas.items()},
        "taken": {
            f"{declared} <- {given}": accepts(schemas[declared], SAMPLES[given])
            for declared in COLUMNS
            for given in COLUMNS
        },
        "kept": {what: kept(what) for what in EXAMPLES},
    }
    (folder / f"{name}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
