"""Models of the frameworks: saved, or read back and asked to predict.

    frameworks.py <package> <save|predict> <folder> <framework>-<kind>...

Models are made from the same numbers on both sides; `keras-tensorflow` is a model of Keras by the flavor `tensorflow`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

m: Any = importlib.import_module(sys.argv[1])
act, root, names = sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
ours = m.__name__ == "steno"
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)).astype("float32")
y = (X[:, 0] + X[:, 1] > 0).astype("int64")
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])


def xgboost(kind: str) -> tuple[Any, dict[str, Any]]:
    import xgboost

    params = {"max_depth": 2, "nthread": 1, "objective": "binary:logistic"}
    if kind == "booster":
        return xgboost.train(params, xgboost.DMatrix(FRAME, y), 3), {}
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(FRAME, y)
    return model, {"model_format": "json"} if kind == "json" else {}


def pytorch(kind: str) -> tuple[Any, dict[str, Any]]:
    import torch

    class Own(torch.nn.Sequential):
        """A class of the user's."""

    Own.__qualname__ = "Own"
    globals()["Own"] = Own
    torch.manual_seed(0)
    made = Own if kind == "own" else torch.nn.Sequential
    model = made(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    if kind == "export":
        form = {"serialization_format": "export" if ours else "pt2"}
        return model, {"input_example": X[:4], **form}
    if kind in ("pickle", "own"):
        return model, {"serialization_format": "pickle"}
    if kind == "default":
        return model, {"input_example": X[:4]}
    return model, {"serialization_format": "state_dict"} if ours else {}


def keras(kind: str) -> tuple[Any, dict[str, Any]]:
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy")
    return model, {}


def flavor_of(name: str) -> str:
    """The flavor's name."""
    framework, _, kind = name.partition("-")
    return kind if kind == "tensorflow" else framework


def made(name: str) -> tuple[Any, dict[str, Any]]:
    """A model, and the options to save it with."""
    framework, _, kind = name.partition("-")
    found: tuple[Any, dict[str, Any]] = {"xgboost": xgboost, "pytorch": pytorch, "keras": keras}[framework](kind)
    return found


def save(name: str) -> None:
    """Save a model under its name, by its flavor."""
    model, options = made(name)
    packages = {"pip_requirements": ["numpy"]}  # else MLflow looks for them for minutes
    importlib.import_module(f"{m.__name__}.{flavor_of(name)}").save_model(
        model, str(root / name), **options, **packages
    )


def predict(name: str) -> dict[str, Any]:
    """What the flavor's own loader and pyfunc's make of it, or the error."""
    found: dict[str, Any] = {}
    if name == "pytorch-own":
        made(name)  # its class is this script's
    place = str(root / name)
    trusted = {"trusted": m.models.untrusted_types(place)} if ours else {}
    found["asked"] = trusted.get("trusted")
    loaders = importlib.import_module(f"{m.__name__}.{flavor_of(name)}")
    try:
        found["class"] = type(loaders.load_model(place, **trusted)).__name__
        function = m.pyfunc.load_model(place, **trusted)
    except (OSError, RuntimeError, getattr(m.exceptions, "MlflowException", OSError)) as error:
        return found | {"error": f"{type(error).__name__}: {error}".partition("\n")[0][:300]}
    for kind, inputs in (("array", X[:5]), ("frame", FRAME.iloc[:5])):
        if kind == "frame" or not name.startswith("xgboost"):  # that is trained with names
            found[kind] = np.asarray(function.predict(inputs), "float64").ravel().tolist()
    return found


if act == "save":
    for each in names:
        save(each)
else:
    told = {each: predict(each) for each in names}
    (root / f"{m.__name__}.json").write_text(json.dumps(told))
assert not ours or "mlflow" not in sys.modules, "steno needs no MLflow to read its models"
