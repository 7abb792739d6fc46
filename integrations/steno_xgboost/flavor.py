"""Keeps XGBoost's models in its own formats, which hold data and no code."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models import frames
from steno.models.layout import member
from xgboost.core import XGBoostError

from steno_xgboost import model_file, pieces, soundness

_FORMATS = ("ubj", "json")
_BOOSTER = "xgboost.core.Booster"
# XGBoost's own, none of which does more when it is made than to take its params.
_KNOWN = frozenset({_BOOSTER}).union(
    f"xgboost.sklearn.XGB{kind}"
    for kind in ("Model", "Classifier", "Regressor", "Ranker", "RFClassifier", "RFRegressor")
)
_PLAIN = (bool, int, float, str)


class XGBoostFlavor:
    """Boosters, and the wrappers that look like scikit-learn's estimators.

    Options of `save`:
        model_format: "ubj" (default) or "json".
        pyfunc_predict_fn: The method of a wrapper that `predict` calls; default "predict".
    """

    name = "xgboost"

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model. Raises: ModelError, InvalidValue."""
        form = options.pop("model_format", "ubj")
        method = options.pop("pyfunc_predict_fn", "predict")
        if form not in _FORMATS:
            raise InvalidValue(f"model_format is one of {', '.join(_FORMATS)}, not {form!r}")
        if options:
            known = "model_format, pyfunc_predict_fn"
            raise InvalidValue(f"the xgboost flavor has no option {', '.join(sorted(options))}; known: {known}")
        kind, file = _class_name(model), f"model.{form}"
        try:
            if form != "ubj" or kind not in _KNOWN or not pieces.write(model, folder / file):
                model.save_model(folder / file)
        except Exception as error:  # advice: what a model of the user's own class raises here is not foreseeable
            raise ModelError(f"{kind} cannot be written: {error}") from error
        conf = {
            "data": file,
            "model_class": kind,
            "model_format": form,
            "xgb_version": xgboost.__version__,
            "code": None,
        }
        if not isinstance(model, xgboost.Booster):
            conf["wrapper_params"] = _chosen_params(model)
        pyfunc = {"loader_module": "mlflow.xgboost", "data": file}
        if method != "predict":
            pyfunc["predict_fn"] = method
        sklearn = () if isinstance(model, xgboost.Booster) else ("sklearn",)
        own = () if kind.startswith("xgboost.") else (kind.partition(".")[0],)
        return FlavorInfo(conf, pyfunc, ("xgboost", *sklearn, "numpy", "scipy", *own))

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return the model's class if it is none of XGBoost's own: it would be imported. Raises: ModelError."""
        return frozenset({_named_class(conf)}) - _KNOWN

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model. Raises: UntrustedTypes, ModelError."""
        kind = _named_class(conf)
        if kind not in _KNOWN and kind not in trusted:
            raise UntrustedTypes(f"model {folder}", [kind])
        path = member(folder, conf.get("data"))
        if not path.is_file():
            raise ModelError(f"model {folder} names {conf.get('data')!r} as its file, and that is a folder")
        data = _content(path)
        soundness.check(model_file.read(data, path.name), path.name)
        model = _made(_imported(kind), conf)
        try:
            model.load_model(data)
        except (XGBoostError, TypeError, ValueError, LookupError, AttributeError) as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{path.name} is no model that this XGBoost can load as {kind}: {reason}") from error
        return model

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Call the booster on a matrix of the inputs, or the wrapper's method that `predict_fn` names."""
        if isinstance(model, xgboost.Booster):
            return model.predict(_matrix(model, inputs), **_accepted(model.predict, params))
        name = conf.get("predict_fn") or "predict"
        method = None if str(name).startswith("_") else getattr(model, str(name), None)
        if not callable(method):
            raise ModelError(f"{type(model).__name__} has no method {name!r} to predict with")
        booster = model.get_booster()
        return method(_as_trained(booster, inputs), **_accepted(method, params))


def _content(path: Path) -> bytearray:
    """Read a file once: what is checked is what is loaded, whatever becomes of the file."""
    data = bytearray(path.stat().st_size)
    with path.open("rb") as file:
        del data[file.readinto(data) :]
    return data


def _accepted(method: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    arguments = inspect.signature(method).parameters
    return {name: value for name, value in params.items() if name in arguments}


def _matrix(booster: Any, inputs: Any) -> Any:
    if isinstance(inputs, xgboost.DMatrix):
        return inputs
    categorical = "c" in (booster.feature_types or ())
    names = None if frames.is_dataframe(inputs) else booster.feature_names
    return xgboost.DMatrix(_as_trained(booster, inputs), feature_names=names, enable_categorical=categorical)


def _as_trained(booster: Any, inputs: Any) -> Any:
    """A frame for a booster that knows no names is an array to it, and lists are one to XGBoost only as rows."""
    if frames.is_dataframe(inputs):
        return inputs if booster.feature_names else inputs.to_numpy()
    return np.asarray(inputs) if isinstance(inputs, list) else inputs


def _class_name(model: Any) -> str:
    """Return where a model's class can be imported. Raises: ModelError."""
    cls = type(model)
    if not isinstance(model, xgboost.Booster) and not hasattr(model, "get_booster"):
        raise ModelError(f"{cls.__module__}.{cls.__qualname__} is neither a Booster nor one of XGBoost's wrappers")
    if "<locals>" in cls.__qualname__:
        raise ModelError(
            f"{cls.__qualname__} is defined inside a function, where it cannot be found again: define it "
            "in a module, or save its get_booster()"
        )
    return f"{cls.__module__}.{cls.__qualname__}"


def _chosen_params(model: Any) -> dict[str, Any] | None:
    """Return what was set on a wrapper, as far as it is plain: `missing`, say, which its own format does not hold."""
    chosen = {}
    for name, default in _defaults(type(model)).items():
        value = vars(model).get(name, default)
        if type(value) in _PLAIN and value != default and value == value:
            chosen[name] = value
    return chosen or None


def _defaults(cls: type) -> dict[str, Any]:
    """Return the params of a wrapper by name, those of the classes it inherits from included."""
    defaults: dict[str, Any] = {}
    for base in cls.__mro__[:-1]:
        if "__init__" in vars(base):
            given = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            kept = [each for each in given if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
            defaults = {**{each.name: each.default for each in kept}, **defaults}
    return defaults


def _named_class(conf: Conf) -> str:
    """Return the class a model is said to be of; models from before it was told are boosters. Raises: ModelError."""
    name = conf.get("model_class") or _BOOSTER
    if not isinstance(name, str) or "." not in name or not all(part.isidentifier() for part in name.split(".")):
        raise ModelError(f"{name!r} names no class")
    return name


def _imported(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"the model's class {name} cannot be imported: {error}") from error
    if not isinstance(cls, type) or not (issubclass(cls, xgboost.Booster) or hasattr(cls, "get_booster")):
        raise ModelError(f"{name} is neither a Booster nor one of XGBoost's wrappers")
    return cls


def _made(cls: type, conf: Conf) -> Any:
    """Return an empty model of a class, with the params that were set on the one that was saved."""
    try:
        model = cls()
    except Exception as error:  # advice: a class of the user's, trusted by name, may want arguments
        raise ModelError(f"{cls.__qualname__} cannot be made without arguments: {error}") from error
    params = conf.get("wrapper_params")
    if not issubclass(cls, xgboost.Booster) and isinstance(params, Mapping):
        names = _defaults(cls)
        for name, value in params.items():
            if name in names and type(value) in _PLAIN:
                setattr(model, name, value)
    return model


flavor = XGBoostFlavor()
