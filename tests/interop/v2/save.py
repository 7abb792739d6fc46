"""Saves the models that clients of the Open Inference Protocol ask: `save.py <folder>`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import steno
from sklearn.linear_model import LinearRegression
from steno.models import ColSpec, ModelSignature, Schema, TensorSpec

place = Path(sys.argv[1])
X = pd.DataFrame(np.arange(24.0).reshape(6, 4), columns=list("abcd"))
steno.save_model(LinearRegression().fit(X, X.sum(axis=1)), place / "sums", input_example=X[:2])

KINDS = {
    "flag": "boolean",
    "i4": "integer",
    "i8": "long",
    "f4": "float",
    "f8": "double",
    "text": "string",
}
COLUMNS = """
import steno.pyfunc

class Echo(steno.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input

steno.models.set_model(Echo())
"""
ARRAY = COLUMNS.replace("return model_input", 'return {"twice": model_input["x"] * 2, "first": model_input["x"][:, 0]}')
signatures = {
    "columns": ModelSignature(Schema([ColSpec(kind, name) for name, kind in KINDS.items()])),
    "array": ModelSignature(Schema([TensorSpec(np.dtype("float32"), (-1, 2, 2), "x")])),
}
for name, script in (("columns", COLUMNS), ("array", ARRAY)):
    (place / f"of_{name}.py").write_text(script)
    steno.pyfunc.save_model(place / name, python_model=place / f"of_{name}.py", signature=signatures[name])
