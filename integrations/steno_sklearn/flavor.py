"""Keeps scikit-learn models: as skops by default, as a pickle only where asked for."""

from __future__ import annotations

import inspect
import io
import pickle
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError
from steno.models import frames, pickles
from steno.models.layout import member

from steno_sklearn import soundness

_FILES = {"skops": "model.skops", "cloudpickle": "model.pkl", "pickle": "model.pkl"}
_BASE = ("sklearn", "numpy", "scipy")
_VALUES = (int, float, str, bytes, type(None))


class SklearnFlavor:
    """scikit-learn's estimators, pipelines and searches.

    Options of `save`:
        serialization_format: "skops" (default: holds data, no code), "cloudpickle" or "pickle".
        pyfunc_predict_fn: The method that `predict` calls; default "predict".
    """

    name = "sklearn"

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model. Raises: ModelError, InvalidValue."""
        form = options.pop("serialization_format", "skops")
        method = options.pop("pyfunc_predict_fn", "predict")
        if form not in _FILES:
            raise InvalidValue(f"serialization_format is one of {', '.join(_FILES)}, not {form!r}")
        if options:
            known = "serialization_format, pyfunc_predict_fn"
            raise InvalidValue(f"the sklearn flavor has no option {', '.join(sorted(options))}; known: {known}")
        types, packages = _written(model, form, folder / _FILES[form])
        conf = {
            "pickled_model": _FILES[form],
            "sklearn_version": sklearn.__version__,
            "serialization_format": form,
            "code": None,
        }
        if form == "skops":
            conf["skops_trusted_types"] = types or None
        pyfunc = {"loader_module": "mlflow.sklearn", "model_path": _FILES[form], "predict_fn": method}
        return FlavorInfo(conf, pyfunc if hasattr(model, method) else None, packages)

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return the names that loading needs beyond skops' and scikit-learn's own; all that a pickle imports.

        Raises:
            ModelError: The file is damaged or made to mislead.
        """
        data, form, where = _read(folder, conf)
        if form == "skops":
            from steno_sklearn import skops_file

            return skops_file.untrusted(data, where)
        return pickles.imports(data, where)

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model. Raises: UntrustedTypes, ModelError."""
        data, form, where = _read(folder, conf)
        if form == "skops":
            from steno_sklearn import skops_file

            return skops_file.loads(data, trusted, where)
        model = pickles.loads(data, trusted, where)
        if isinstance(model, _VALUES):  # other formats begin with a small pickle, whose end is that of what is read
            raise ModelError(f"{where} holds a value of type {type(model).__name__}, which is no model")
        soundness.check(model, where)
        return model

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Call the method that `predict_fn` names, with those params that it has arguments for."""
        name = conf.get("predict_fn") or "predict"
        method = None if str(name).startswith("_") else getattr(model, str(name), None)
        if not callable(method):
            raise ModelError(f"{type(model).__name__} has no method {name!r} to predict with")
        if frames.is_dataframe(inputs) and hasattr(model, "n_features_in_") and not hasattr(model, "feature_names_in_"):
            inputs = inputs.to_numpy()  # trained without names: scikit-learn would warn at each call
        return method(inputs, **_accepted(method, params))


def _accepted(method: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, Any]:
    if not params:
        return {}
    arguments = inspect.signature(method).parameters
    takes_any = any(argument.kind is inspect.Parameter.VAR_KEYWORD for argument in arguments.values())
    return {name: value for name, value in params.items() if takes_any or name in arguments}


def _written(model: Any, form: str, path: Path) -> tuple[list[str], tuple[str, ...]]:
    """Write the file; returns the types skops does not trust by itself, and the packages the model needs."""
    if form == "skops":
        from steno_sklearn import skops_file

        names, found = skops_file.dump(model, path)
    else:
        names = _pickled(model, form, path)
        found = [name.partition(".")[0] for name in sorted(names)]
    own = [name for name in found if name not in (*_BASE, "builtins", "collections", "__main__")]
    return sorted(names), tuple(dict.fromkeys((*_BASE, "skops" if form == "skops" else form, *own)))


def _pickled(model: Any, form: str, path: Path) -> frozenset[str]:
    """Write a pickle, arrays without a copy of them in between, and return what it imports beside arrays."""
    pickler: Any = pickle.Pickler
    if form == "cloudpickle":
        import cloudpickle

        pickler = cloudpickle.Pickler

    class WithoutArrays(pickler):  # type: ignore[misc]  # known only now
        def persistent_id(self, obj: Any) -> Any:
            return "array" if type(obj) is np.ndarray and not obj.dtype.hasobject else None

    few = io.BytesIO()
    try:
        with path.open("wb") as file:
            pickler(file, 5).dump(model)  # the first protocol that can hand over an array as it lies in memory
        WithoutArrays(few, 5).dump(model)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        other = ", or save with serialization_format='cloudpickle', which keeps code too" if form == "pickle" else ""
        raise ModelError(
            f"{type(model).__name__} cannot be written as {form}: {error}; leave that part out{other}."
        ) from error
    return pickles.imports(few.getvalue(), "the model", persistent=True)


def _read(folder: Path, conf: Conf) -> tuple[bytes, str, str]:
    """Return the model file's bytes, its format and its name for messages. Raises: ModelError, UnsafePath."""
    name = conf.get("pickled_model") or conf.get("model_path") or conf.get("data")
    path = member(folder, name)
    if not path.is_file():
        raise ModelError(f"model {folder} names {name!r} as its file, and that is a folder")
    # Writers before the formats were named knew pickle only; a `.skops` name is as good as the key.
    form = conf.get("serialization_format") or ("skops" if path.suffix == ".skops" else "pickle")
    if str(form) not in _FILES:
        raise ModelError(f"model {folder} is in the format {form!r}; known: {', '.join(_FILES)}")
    return path.read_bytes(), form, f"{path.name} ({form})"


flavor = SklearnFlavor()
