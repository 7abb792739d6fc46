"""Keeps CatBoost's models in its own binary format, which holds data and no code."""

from __future__ import annotations

import importlib
import inspect
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import catboost
from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models.layout import member

from steno_catboost import soundness
from steno_catboost.keeping import Frozen, frozen
from steno_catboost.model_file import ModelFile

FILE = "model.cb"
_FORM = "cbm"
# CatBoost's own, none of which does more when it is made than to take its params.
_KNOWN: dict[str, type] = {
    cls.__name__: cls
    for cls in (catboost.CatBoost, catboost.CatBoostClassifier, catboost.CatBoostRegressor, catboost.CatBoostRanker)
}


class CatBoostFlavor:
    """`CatBoost`, `CatBoostClassifier`, `CatBoostRegressor`, `CatBoostRanker`, and classes that inherit from them.

    Options of `save`:
        save_format: "cbm", the only one that can be checked before it is loaded.
        pyfunc_predict_fn: The method that `predict` calls; default "predict".
    """

    name = "catboost"

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model. Raises: ModelError, InvalidValue."""
        form = options.pop("save_format", _FORM)
        method = options.pop("pyfunc_predict_fn", "predict")
        if form != _FORM:
            raise InvalidValue(f"save_format is {_FORM!r}, not {form!r}")
        if options:
            known = "save_format, pyfunc_predict_fn"
            raise InvalidValue(f"the catboost flavor has no option {', '.join(sorted(options))}; known: {known}")
        snapshot = model if isinstance(model, Frozen) else _snapshot(model)
        base, own = _names(snapshot.kind)
        (folder / FILE).write_bytes(snapshot.content)
        conf: dict[str, Any] = {
            "data": FILE,
            "model_type": base,
            "save_format": form,
            "catboost_version": catboost.__version__,
            "code": None,
        }
        if own:
            conf["model_class"] = own
        pyfunc = {"loader_module": "mlflow.catboost", "data": FILE}
        if method != "predict":
            pyfunc["predict_fn"] = method
        packages = ("catboost", "numpy", *((own.partition(".")[0],) if own else ()))
        return FlavorInfo(conf, pyfunc, packages)

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return the class, if it is none of CatBoost's own, and the parts that cannot be checked. Raises: ModelError.

        The dictionaries of text features and what is computed of embeddings are in formats of their own; CatBoost
        reads them unchecked.
        """
        own = conf.get("model_class")
        names = {_class_name(own)} if own else set()
        _, file = _read(folder, conf)
        return frozenset(names | {_part_name(part) for part in file.unchecked})

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model. Raises: UntrustedTypes, ModelError."""
        unknown = sorted(self.untrusted(folder, conf) - set(trusted))
        if unknown:
            raise UntrustedTypes(f"model {folder}", unknown)
        data, file = _read(folder, conf)
        soundness.check(file, FILE)
        model = _made(conf)
        # What was checked, and not what may lie in the folder by now.
        with tempfile.TemporaryDirectory(prefix="steno-catboost-") as place:
            path = Path(place) / FILE
            path.write_bytes(data)
            try:
                model.load_model(str(path))
            except (catboost.CatBoostError, ValueError, TypeError, LookupError, AttributeError) as error:
                reason = str(error).partition("\n")[0]
                raise ModelError(f"{FILE} is no model that this CatBoost can load: {reason}") from error
        return model

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Call the method that `predict_fn` names."""
        name = conf.get("predict_fn") or "predict"
        method = None if str(name).startswith("_") else getattr(model, str(name), None)
        if not callable(method):
            raise ModelError(f"{type(model).__name__} has no method {name!r} to predict with")
        accepted = inspect.signature(method).parameters
        return method(inputs, **{key: value for key, value in params.items() if key in accepted})


def _snapshot(model: Any) -> Frozen:
    kind = type(model)
    if not isinstance(model, catboost.CatBoost):
        raise ModelError(f"{kind.__module__}.{kind.__qualname__} is none of CatBoost's models")
    if not model.is_fitted():
        raise ModelError(f"this {kind.__qualname__} is not fitted: fit it before it is saved")
    try:
        return frozen(model)
    except Exception as error:  # advice: what a model of the user's own class raises here is not foreseeable
        raise ModelError(f"{kind.__qualname__} cannot be written: {error}") from error


def _names(kind: type) -> tuple[str, str]:
    """Return the class of CatBoost's that a model is of, and the user's own if it is one. Raises: ModelError."""
    base = next(cls.__name__ for cls in kind.__mro__ if _KNOWN.get(cls.__name__) is cls)
    if kind is _KNOWN[base]:
        return base, ""
    if "<locals>" in kind.__qualname__:
        raise ModelError(
            f"{kind.__qualname__} is defined inside a function, where it cannot be found again: define it in a module"
        )
    return base, f"{kind.__module__}.{kind.__qualname__}"


def _class_name(name: Any) -> str:
    # A module's name may have dashes, though not in an import statement.
    parts = name.replace("-", "_").split(".") if isinstance(name, str) else []
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ModelError(f"{name!r} names no class")
    return str(name)


def _part_name(part: str) -> str:
    """Return the name to trust a part by, "catboost.text_process_v2"."""
    return "catboost." + "".join(mark if mark.isalnum() else "_" for mark in part.rstrip("\0"))[:80]


def _read(folder: Path, conf: Conf) -> tuple[bytes, ModelFile]:
    form = conf.get("save_format") or _FORM
    if form != _FORM:
        raise ModelError(
            f"model {folder} is in the format {form!r}, which cannot be checked before it is loaded: load it with "
            f"CatBoost itself, and save it anew as {_FORM!r}"
        )
    path = member(folder, conf.get("data"))
    if not path.is_file():
        raise ModelError(f"model {folder} names {conf.get('data')!r} as its file, and that is a folder")
    data = path.read_bytes()
    return data, ModelFile(data, path.name)


def _made(conf: Conf) -> Any:
    """Return an empty model of the class that was saved. Raises: ModelError."""
    own = conf.get("model_class")
    base = conf.get("model_type") or "CatBoost"
    if not own and (not isinstance(base, str) or base not in _KNOWN):
        raise ModelError(f"{base!r} is none of CatBoost's models: {', '.join(_KNOWN)}")
    kind = _imported(_class_name(own)) if own else _KNOWN[base]
    try:
        return kind()
    except Exception as error:  # advice: a class of the user's, trusted by name, may want arguments
        raise ModelError(f"{kind.__qualname__} cannot be made without arguments: {error}") from error


def _imported(name: str) -> type:
    module, _, attribute = name.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"the model's class {name} cannot be imported: {error}") from error
    if not isinstance(cls, type) or not issubclass(cls, catboost.CatBoost):
        raise ModelError(f"{name} is none of CatBoost's models")
    return cls


flavor = CatBoostFlavor()
