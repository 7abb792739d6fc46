"""Keeps LightGBM's models: boosters as LightGBM's own text, wrappers as skops, both of which hold data and no code."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError
from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models import frames
from steno.models.layout import member

from steno_lightgbm import columns, model_text, wrappers
from steno_lightgbm.text_model import TextModel

_FILE = "model.lgb"
_BOOSTER = "lightgbm.basic.Booster"


class LightGBMFlavor:
    """Boosters, and the wrappers that look like scikit-learn's estimators.

    Options of `save`:
        serialization_format: Of a wrapper: "skops" (default: holds data, no code), "cloudpickle" or "pickle".
        pyfunc_predict_fn: The method of a wrapper that `predict` calls; default "predict".
    """

    name = "lightgbm"

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model. Raises: ModelError, InvalidValue."""
        form = options.pop("serialization_format", "skops")
        method = options.pop("pyfunc_predict_fn", "predict")
        if form not in wrappers.FILES:
            raise InvalidValue(f"serialization_format is one of {', '.join(wrappers.FILES)}, not {form!r}")
        if options:
            known = "serialization_format, pyfunc_predict_fn"
            raise InvalidValue(f"the lightgbm flavor has no option {', '.join(sorted(options))}; known: {known}")
        if isinstance(model, TextModel | lightgbm.Booster):
            return _save_booster(model, folder)
        if not (hasattr(type(model), "booster_") and hasattr(model, "booster_")):  # before the fit it raises
            kind = f"{type(model).__module__}.{type(model).__qualname__}"
            raise ModelError(f"{kind} is neither a trained Booster nor one of LightGBM's wrappers after its fit")
        kind = _class_name(type(model))
        more, packages = wrappers.save(model, folder, form)
        conf = _conf(wrappers.FILES[form], kind) | more
        pyfunc = {"loader_module": "mlflow.lightgbm", "data": conf["data"]}
        if method != "predict":
            pyfunc["predict_fn"] = method
        return FlavorInfo(conf, pyfunc, tuple(dict.fromkeys(("lightgbm", *packages))))

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return what loading needs beyond LightGBM's and scikit-learn's own types. Raises: ModelError."""
        path, kind = _file(folder, conf), _named_class(conf)
        if path.suffix == ".lgb" or kind == _BOOSTER:
            return frozenset({kind}) - {_BOOSTER}
        return wrappers.untrusted(folder, path.name, conf)

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model. Raises: UntrustedTypes, ModelError."""
        path, kind = _file(folder, conf), _named_class(conf)
        if path.suffix != ".lgb" and kind != _BOOSTER:
            return wrappers.load(folder, path.name, conf, trusted)
        if kind != _BOOSTER:
            raise UntrustedTypes(f"model {folder}", [kind])
        return _loaded(path)

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Call the booster, or the wrapper's method that `predict_fn` names. Raises: ModelError, InvalidValue."""
        if isinstance(inputs, str | Path):
            raise InvalidValue("the inputs are data, not the name of a file")
        if isinstance(model, lightgbm.Booster):
            return model.predict(_as_trained(model, inputs), **_accepted(model.predict, params))
        name = conf.get("predict_fn") or "predict"
        method = None if str(name).startswith("_") else getattr(model, str(name), None)
        if not callable(method):
            raise ModelError(f"{type(model).__name__} has no method {name!r} to predict with")
        return method(_as_trained(model.booster_, inputs), **_accepted(method, params))


def _save_booster(model: TextModel | Any, folder: Path) -> FlavorInfo:
    kept = model if isinstance(model, TextModel) else TextModel(model.model_to_string(), type(model))
    if kept.kind is not lightgbm.Booster:
        raise ModelError(
            f"{kept.kind.__qualname__} is a class of its own, of which LightGBM's format keeps nothing: save "
            "lightgbm.Booster(model_str=model.model_to_string())"
        )
    (folder / _FILE).write_text(kept.text, "utf-8")
    pyfunc = {"loader_module": "mlflow.lightgbm", "data": _FILE}
    return FlavorInfo(_conf(_FILE, _BOOSTER), pyfunc, ("lightgbm", "numpy", "scipy"))


def _conf(file: str, kind: str) -> dict[str, Any]:
    return {"data": file, "model_class": kind, "lgb_version": lightgbm.__version__, "code": None}


def _file(folder: Path, conf: Conf) -> Path:
    path = member(folder, conf.get("data"))
    if not path.is_file():
        raise ModelError(f"model {folder} names {conf.get('data')!r} as its file, and that is a folder")
    return path


def _loaded(path: Path) -> Any:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{path.name} is no text of LightGBM's: {error}") from error
    model_text.check(text, path.name)
    try:
        return lightgbm.Booster(model_str=text)
    except (LightGBMError, ValueError, TypeError, LookupError) as error:
        raise ModelError(f"{path.name} is no model that this LightGBM can load: {error}") from error


def _accepted(method: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    arguments = inspect.signature(method).parameters
    return {name: value for name, value in params.items() if name in arguments}


def _as_trained(booster: Any, inputs: Any) -> Any:
    """Lists are an array to LightGBM only as rows; a frame may have lost what its columns of categories were."""
    if isinstance(inputs, list):
        return np.asarray(inputs)
    return columns.as_trained(booster, inputs) if frames.is_dataframe(inputs) else inputs


def _class_name(cls: type) -> str:
    if "<locals>" in cls.__qualname__:
        raise ModelError(
            f"{cls.__qualname__} is defined inside a function, where it cannot be found again: define it "
            "in a module, or save its booster_"
        )
    return f"{cls.__module__}.{cls.__qualname__}"


def _named_class(conf: Conf) -> str:
    """Return the class a model is said to be of; models from before it was told are boosters. Raises: ModelError.

    Nothing is imported by this name: a booster is made by LightGBM's own, a wrapper by what its file holds.
    """
    name = conf.get("model_class") or _BOOSTER
    if not isinstance(name, str):
        raise ModelError(f"{name!r} names no class")
    return name


flavor = LightGBMFlavor()
