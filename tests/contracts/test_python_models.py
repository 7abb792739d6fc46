"""Models that are Python code pass the published suite: a class of a script, kept with its code."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from steno.pyfunc import PythonModel
from steno.testing.flavor import FlavorSuite

X = np.linspace(0.0, 1.0, 12).reshape(4, 3)
SCRIPT = """
class Weighted(PythonModel):
    def __init__(self, weights):
        self.weights = weights

    def predict(self, context, model_input):
        return model_input @ self.weights
"""
# A class of a script or notebook is pickled with its code, so what makes code is what has to be trusted.
CODE = ("_builtin_type", "_class_setstate", "_function_setstate", "_make_function", "_make_skeleton_class")
WEIGHTS = ("numpy._core.numeric._frombuffer", "numpy.dtype", "builtins.type", "mlflow.pyfunc.model.PythonModel")


def _scripts() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__", "PythonModel": PythonModel}
    exec(SCRIPT, names)
    return names


NAMES = _scripts()
MODEL = NAMES["Weighted"](np.array([1.0, -2.0, 0.5]))


class TestPythonModel(FlavorSuite):
    flavor = "python_function"
    options = {"model_config": {"threshold": 0.5}}  # noqa: RUF012
    trusted = (*(f"cloudpickle.cloudpickle.{name}" for name in CODE), *WEIGHTS)
    pickles = True

    def model(self) -> PythonModel:
        model: PythonModel = MODEL
        return model

    def inputs(self) -> Any:
        return X

    def stranger(self) -> PythonModel:
        model: PythonModel = NAMES["Weighted"](Fraction(1, 2))
        return model
