"""A model that returns what it was given, as text: what a server made of a request."""

from __future__ import annotations

import mlflow
from mlflow.models import set_model


def told(given):
    """Columns or arrays by name, each with its type and values."""
    if hasattr(given, "columns"):
        return {str(name): [_type(given[name]), [str(value) for value in given[name]]] for name in given.columns}
    if isinstance(given, dict):
        return {name: told(each) for name, each in given.items()}
    return [type(given).__name__, str(getattr(given, "dtype", "")), str(given)]


def _type(column):
    return "text" if column.dtype in ("object", "str") else str(column.dtype)


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return {"given": told(model_input), "params": params or {}}


set_model(Echo())
