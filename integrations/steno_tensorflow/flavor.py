"""Keeps Keras models as `.keras` files, under the flavors `keras` and `tensorflow`, and reads those of both."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras
from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models import frames
from steno.models.layout import member

from steno_tensorflow import archive, writer
from steno_tensorflow.allowed import LAMBDA
from steno_tensorflow.archive import Archive

DATA = "data"
MODEL = "model.keras"
_MODULE_FILE, _FORMAT_FILE = "keras_module.txt", "save_format.txt"
_SAVE_OPTIONS = ("save_model_kwargs", "keras_model_kwargs", "saved_model_kwargs")
_DISTRIBUTIONS = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax"}
# What Keras raises for a file that fits its own rules and no model.
_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OSError,
    ImportError,
    RuntimeError,
    RecursionError,
)


class KerasFlavor:
    """Models of Keras 3, on any backend.

    Options of `save`:
        save_model_kwargs, keras_model_kwargs: For `keras.saving.save_model`; MLflow's two names.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model. Raises: ModelError, InvalidValue."""
        given = _save_options(options)
        (folder / DATA).mkdir()
        path = folder / DATA / MODEL
        if isinstance(model, Archive):
            model.write(path)
        else:
            _save(model, path, given)
        (folder / DATA / _MODULE_FILE).write_text("keras", "utf-8")
        (folder / DATA / _FORMAT_FILE).write_text("tf", "utf-8")
        modules = archive.modules_in(path)
        backend = keras.backend.backend()
        sections = _sections(backend)
        loader = {"loader_module": f"mlflow.{self.name}", **({DATA: DATA} if self.name == "tensorflow" else {})}
        if self.name not in sections:
            raise ModelError(f"Keras runs on {backend} here; log the model with the flavor 'keras'")
        own = sections.pop(self.name)
        return FlavorInfo(
            own,
            loader,
            ("keras", _DISTRIBUTIONS.get(backend, backend), "numpy", *modules),
            # With a section `keras` beside its own, MLflow's reader of `tensorflow` takes a model for one of long ago.
            sections if self.name == "keras" else {},
        )

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return the names that loading needs beyond Keras's own. Raises: ModelError, UnsafePath."""
        path = _model_file(folder, conf)
        return frozenset(archive.names_in(path, _where(path)))

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model. Raises: UntrustedTypes, ModelError, UnsafePath."""
        path = _model_file(folder, conf)
        where = _where(path)
        found = archive.names_in(path, where)
        if unknown := found.keys() - set(trusted):
            raise UntrustedTypes(where, unknown)
        custom = {key: _named(name, key, where) for name, key in found.items() if name != LAMBDA}
        try:
            return keras.saving.load_model(path, custom_objects=custom, safe_mode=LAMBDA not in found)
        except _FAULTS as error:
            raise ModelError(f"{where} cannot be loaded: {error}") from error

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Return what the model makes of arrays, by name if there are several; a frame comes back as one."""
        if not frames.is_dataframe(inputs):
            return model.predict(inputs, verbose=0)
        predicted = model.predict(inputs.to_numpy(), verbose=0)
        return type(inputs)(predicted, index=inputs.index) if predicted.ndim <= 2 else predicted


def _save_options(options: dict[str, Any]) -> dict[str, Any]:
    options = dict(options)
    if options.pop("save_exported_model", False):
        raise InvalidValue("an exported SavedModel holds a program, not a model; it is kept as a .keras file")
    given: dict[str, Any] = {}
    for name in _SAVE_OPTIONS:
        given |= options.pop(name, None) or {}
    if options:
        known = ", ".join(_SAVE_OPTIONS)
        raise InvalidValue(f"the keras flavors have no option {', '.join(sorted(options))}; known: {known}")
    return given


def _save(model: Any, path: Path, options: Mapping[str, Any]) -> None:
    if not isinstance(model, keras.Model):
        raise ModelError(f"a {type(model).__name__} is no keras.Model; Keras writes models only")
    try:
        writer.write(model, path, options)
    except (ValueError, TypeError, NotImplementedError, AttributeError, RuntimeError) as error:
        raise ModelError(
            f"{type(model).__name__} cannot be written as .keras: {error}. Give its class a get_config() that returns "
            "the arguments of its constructor."
        ) from error


def _sections(backend: str) -> dict[str, dict[str, Any]]:
    """Return the sections of the MLmodel file: both of steno's flavors take the same files."""
    found: dict[str, dict[str, Any]] = {
        "keras": {
            DATA: DATA,
            "keras_backend": backend,
            "keras_version": keras.__version__,
            "save_exported_model": False,
        }
    }
    if backend == "tensorflow":
        version = sys.modules["tensorflow"].__version__
        # MLflow's name for it; the version is TensorFlow's.
        found["tensorflow"] = {
            "code": None,
            DATA: DATA,
            "model_type": "keras",
            "keras_version": version,
            "save_format": "tf",
        }
    return found


def _model_file(folder: Path, conf: Conf) -> Path:
    if conf.get("model_type", "keras") != "keras" or conf.get("save_exported_model"):
        raise ModelError(f"model {folder} is a SavedModel: that is a program, which is not run here")
    data = conf.get(DATA) or DATA
    place = member(folder, data)
    for name in (MODEL, "model.h5"):
        if place.is_dir() and (place / name).exists():
            found = member(folder, f"{data}/{name}")
            if found.is_file():
                return found
    raise ModelError(f"model {folder} holds no {data}/{MODEL}; SavedModels are programs, and not read")


def _where(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _named(name: str, key: str, where: str) -> Any:
    """Return the class or function of a trusted name: registered with Keras, or in its module."""
    known = keras.saving.get_registered_object(key)
    if known is not None:
        return known
    module, _, attribute = name.rpartition(".")
    try:
        found = importlib.import_module(module or "__main__")
        return getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"{where} needs {name!r}, which is not here: {error}") from error


flavor = KerasFlavor("keras")
tensorflow = KerasFlavor("tensorflow")
