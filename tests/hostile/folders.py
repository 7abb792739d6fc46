"""Sound models of every flavor, once for all tests, and the places in their folders where a stranger's file can lie."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from steno.models import PythonModel, save_model
from steno.models.manifest import dump_yaml, load_yaml

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 4))
y = (X[:, 0] > 0).astype(int)


def doubled(model_input):  # type: ignore[no-untyped-def]  # a hint would become the model's signature
    """A model that is a function."""
    return model_input * 2


class Doubled(PythonModel):
    """A model that is a class."""

    def predict(self, context, model_input):  # type: ignore[no-untyped-def]
        """Return twice the input."""
        return model_input * 2


@dataclass(frozen=True)
class Site:
    """A sound model, and a file of it that is to be exchanged.

    Attributes:
        model: Which of the sound models.
        file: The file, below the model's folder.
        conf: What its flavor's section says instead; None takes a key out.
    """

    model: str
    file: str
    flavor: str
    conf: dict[str, Any]


SITES = {
    "skops": Site("sklearn", "model.skops", "sklearn", {}),
    "a pickle of scikit-learn's": Site("sklearn", "model.pkl", "sklearn", {"serialization_format": "pickle"}),
    "a cloudpickle": Site("sklearn", "model.pkl", "sklearn", {"serialization_format": "cloudpickle"}),
    "a format not told": Site("sklearn", "model.bin", "sklearn", {"serialization_format": None}),
    "xgboost": Site("xgboost", "model.ubj", "xgboost", {}),
    "xgboost as JSON": Site("xgboost", "model.json", "xgboost", {"model_format": "json"}),
    "xgboost of old": Site("xgboost", "model.xgb", "xgboost", {"model_format": "xgb"}),
    "lightgbm": Site("lightgbm", "model.lgb", "lightgbm", {}),
    "lightgbm's wrapper": Site(
        "lightgbm", "model.pkl", "lightgbm", {"model_class": "lightgbm.sklearn.LGBMClassifier", "data": "model.pkl"}
    ),
    "catboost": Site("catboost", "model.cb", "catboost", {}),
    "weights": Site("pytorch", "data/model.safetensors", "pytorch", {}),
    "a module's description": Site("pytorch", "data/model.json", "pytorch", {}),
    "a module's pickle": Site("pytorch", "data/model.pth", "pytorch", {"serialization_format": "pickle"}),
    "a module as MLflow keeps it": Site("pytorch", "data/model.pth", "pytorch", {"serialization_format": None}),
    "a program": Site("pytorch", "data/model.pt2", "pytorch", {"serialization_format": "export"}),
    "a program as MLflow keeps it": Site("pytorch", "data/model.pt2", "pytorch", {"serialization_format": None}),
    "keras": Site("keras", "data/model.keras", "keras", {}),
    "tensorflow": Site("keras", "data/model.keras", "tensorflow", {}),
    "a python model": Site("python", "python_model.pkl", "python_function", {}),
    "a python model, gzip": Site("python", "python_model.pkl", "python_function", {"python_model_compression": "gzip"}),
    "a python model, bzip2": Site(
        "python", "python_model.pkl", "python_function", {"python_model_compression": "bzip2"}
    ),
    "a python model, lzma": Site("python", "python_model.pkl", "python_function", {"python_model_compression": "lzma"}),
}


def sound(place: Path) -> Path:
    """Save one model of every flavor below a folder, without seals, and return it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in _MAKERS.items():
            make(place / name)
            change(place / name, lambda content: content.pop("file_digests"))
    return place


def copied(models: Path, name: str, target: Path) -> Path:
    """Copy a sound model, and return the copy."""
    return Path(shutil.copytree(models / name, target))


def planted(models: Path, site: Site, data: bytes, target: Path) -> Path:
    """Make a copy of a sound model in which one file is a stranger's, and the MLmodel file knows of it."""
    folder = copied(models, site.model, target)
    for each in folder.glob("model.*"):
        each.unlink()
    if site.file.startswith("data/model.p"):
        shutil.rmtree(folder / "data")
        (folder / "data").mkdir()
    (folder / site.file).write_bytes(data)

    def tell(content: dict[str, Any]) -> None:
        section = content["flavors"][site.flavor]
        named = {key: Path(site.file).name for key in ("data", "pickled_model", "model_path") if key in section}
        section.update({key: name for key, name in named.items() if "/" not in site.file} | site.conf)
        content["flavors"] = {site.flavor: {k: v for k, v in section.items() if v is not None}} | {
            "python_function": {**content["flavors"]["python_function"], **named} if site.model != "python" else section
        }
        if "/" in site.file:
            content["flavors"]["python_function"]["data"] = "data"

    change(folder, tell)
    return folder


def change(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit what an MLmodel file says, in any way."""
    content = load_yaml((folder / "MLmodel").read_bytes(), "MLmodel")
    edit(content)
    (folder / "MLmodel").write_text(dump_yaml(content), "utf-8")


def _sklearn(folder: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier

    save_model(RandomForestClassifier(3, random_state=0).fit(X, y), folder, input_example=X[:2])


def _xgboost(folder: Path) -> None:
    import xgboost

    save_model(xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(X, y), folder)


def _lightgbm(folder: Path) -> None:
    import lightgbm

    params = {"num_threads": 1, "num_leaves": 4, "min_data_in_leaf": 5, "verbose": -1, "objective": "binary"}
    save_model(lightgbm.train(params, lightgbm.Dataset(X, y), 2), folder)


def _catboost(folder: Path) -> None:
    import catboost

    options = {"iterations": 2, "depth": 2, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    save_model(catboost.CatBoostClassifier(**options).fit(X, y), folder)


def _pytorch(folder: Path) -> None:
    from torch import nn

    save_model(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)), folder)


def _keras(folder: Path) -> None:
    import keras

    save_model(keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)]), folder)


def _python(folder: Path) -> None:
    save_model(Doubled(), folder, flavor="python_function", model_config={"k": 1})


_MAKERS = {
    "sklearn": _sklearn,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "pytorch": _pytorch,
    "keras": _keras,
    "python": _python,
}
