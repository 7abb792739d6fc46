"""Saves one model of each kind below a folder: `save.py <package> <folder>`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pandas as pd

m: Any = importlib.import_module(sys.argv[1])
place = Path(sys.argv[2])
pyfunc, models = m.pyfunc, m.models
FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [0.5, -0.5]})


class Scaled(pyfunc.PythonModel):
    def __init__(self, factor):
        self.factor = factor

    def load_context(self, context):
        self.offset = float(Path(context.artifacts["offset"]).read_text())
        self.config = context.model_config

    def predict(self, context, model_input, params=None):
        return model_input["a"] * self.factor + self.offset + self.config["more"] + (params or {}).get("shift", 0)


class Shouts(pyfunc.PythonModel):
    def predict(self, model_input: list[str], params=None) -> list[str]:
        return [each.upper() for each in model_input]

    def predict_stream(self, context, model_input, params=None):
        for each in model_input:
            yield from each


class Plain(pyfunc.PythonModel):
    def predict(self, context, model_input):
        return [2 * each for each in model_input]


def summed(model_input):
    return model_input.sum(axis=1)


def lengths(model_input: list[dict[str, int]]) -> list[int]:
    return [len(each) for each in model_input]


(place / "offset.txt").write_text("0.25")
packages = {"pip_requirements": ["pandas", "scikit-learn", "skops"]}  # else MLflow looks for them for minutes
pyfunc.save_model(
    path=place / "class",
    python_model=Scaled(3),
    artifacts={"offset": str(place / "offset.txt")},
    model_config={"more": 10},
    input_example=(FRAME, {"shift": 0.0}),
    metadata={"team": "x"},
    **packages,
)
pyfunc.save_model(path=place / "hints", python_model=Shouts(), **packages)
pyfunc.save_model(path=place / "plain", python_model=Plain(), **packages)
pyfunc.save_model(path=place / "function", python_model=summed, input_example=FRAME, **packages)
pyfunc.save_model(path=place / "hinted_function", python_model=lengths, **packages)
(place / "script.py").write_text(
    "import mlflow\n"
    "from mlflow.models import ModelConfig, set_model\n"
    "class Scripted(mlflow.pyfunc.PythonModel):\n"
    "    def predict(self, context, model_input):\n"
    "        return model_input['b'] * ModelConfig(development_config={'k': 4}).get('k')\n"
    "set_model(Scripted())\n"
)
pyfunc.save_model(path=place / "script", python_model=str(place / "script.py"), **packages)

from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0] * 5, "b": [1.0, -1.0, 0.5, 2.0] * 5})
y = [0, 0, 1, 1] * 5
classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
signature = models.infer_signature(X, classifier.predict(X))
m.sklearn.save_model(classifier, place / "skops", signature=signature, **packages)
m.sklearn.save_model(classifier, place / "cloudpickle", serialization_format="cloudpickle", **packages)
# MLflow takes half a minute for each model it writes by skops.
m.sklearn.save_model(
    classifier, place / "proba", serialization_format="cloudpickle", pyfunc_predict_fn="predict_proba", **packages
)
