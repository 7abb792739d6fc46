"""Saves, by MLflow, one model of each kind that its scoring server tells apart: `save.py <folder>`."""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.linear_model import LinearRegression

place = Path(sys.argv[1])
packages = {"pip_requirements": ["scikit-learn", "skops"]}  # else MLflow looks for them for minutes
X = pd.DataFrame(np.arange(24.0).reshape(6, 4), columns=list("abcd"))
for name, given in (("columns", X), ("tensor", X.to_numpy()), ("unsigned", X.to_numpy())):
    model = LinearRegression().fit(given, X.sum(axis=1))
    signature = None if name == "unsigned" else mlflow.models.infer_signature(given, model.predict(given))
    mlflow.sklearn.save_model(model, place / name, signature=signature, serialization_format="skops", **packages)

MIXED = [
    ColSpec("long", "long"),
    ColSpec("integer", "integer"),
    ColSpec("double", "double"),
    ColSpec("float", "float"),
    ColSpec("boolean", "flag"),
    ColSpec("string", "text"),
    ColSpec("datetime", "at"),
    ColSpec("double", "maybe", required=False),
    ColSpec("binary", "raw", required=False),
]
PARAMS = ParamSchema([ParamSpec("shift", "double", 0.5), ParamSpec("words", "string", ["x"], shape=(-1,))])
ECHOES = {
    "mixed": ModelSignature(Schema(MIXED), params=PARAMS),
    "unnamed": ModelSignature(Schema([ColSpec("double"), ColSpec("long")])),
    "tensors": ModelSignature(
        Schema([TensorSpec(np.dtype("float32"), (-1, 2), "x"), TensorSpec(np.dtype("int64"), (-1,), "y")])
    ),
}
for name, signature in ECHOES.items():
    mlflow.pyfunc.save_model(
        place / name, python_model=str(Path(__file__).with_name("echo.py")), signature=signature, **packages
    )
