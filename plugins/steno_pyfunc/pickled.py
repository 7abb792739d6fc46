"""A PythonModel as a pickle: written so that MLflow reads it, and read without MLflow.

A class of a module that can be imported is kept by its name. One from a script or notebook is kept with its code, and
its base under the name that MLflow's files have for it.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Collection
from types import ModuleType
from typing import Any

from steno.errors import MissingDependency, ModelError, StenoError
from steno.models import pickles, python_model
from steno.models.python_model import FILE_MODULE, PythonModel

_OURS = python_model.__name__
_TEXT = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})


class _Inert:
    """Stands for what MLflow hangs on a model and only MLflow uses; takes any state and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


INSTEAD: dict[str, Any] = {
    f"{FILE_MODULE}.PythonModel": PythonModel,
    f"{FILE_MODULE}.PythonModelContext": python_model.PythonModelContext,
    f"{FILE_MODULE}._FunctionPythonModel": python_model._FunctionPythonModel,
    "mlflow.exceptions.MlflowException": StenoError,
    "mlflow.models.signature._TypeHints": _Inert,
}
"""What a name in a file stands for here, in place of MLflow's own."""
_CHECKS = "mlflow.pyfunc.utils."


def dumps(model: PythonModel) -> tuple[bytes, frozenset[str]]:
    """Return a model's pickle, and the modules it needs.

    Raises:
        ModelError: It holds what cannot be pickled.
        MissingDependency: cloudpickle is not installed.
    """
    cloudpickle = _cloudpickle()
    modules: set[str] = set()

    class Pickler(cloudpickle.Pickler):  # type: ignore[name-defined,misc]  # known only once it is imported
        """Notes the modules that code kept by value refers to."""

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, ModuleType):
                modules.add(obj.__name__)
            return super().reducer_override(obj)

    buffer = io.BytesIO()
    try:
        Pickler(buffer).dump(model)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        what = f"{type(model).__name__} cannot be pickled: {error}"
        raise ModelError(f"{what}. Make it in load_context, or keep it as a script: python_model='model.py'") from error
    data = _renamed(buffer.getvalue())
    return data, frozenset(modules | {name.rpartition(".")[0] for name in pickles.imports(data, "the model")})


def loads(data: bytes, trusted: Collection[str], where: str) -> Any:
    """Load a pickle that imports nothing but `trusted`. Raises: UntrustedTypes, ModelError."""
    checks = {name: _Inert for name in pickles.imports(data, where) if name.startswith(_CHECKS)}
    model = pickles.loads(data, trusted, where, instead={**INSTEAD, **checks})
    if not callable(getattr(model, "predict", None)):
        raise ModelError(f"{where} holds a {type(model).__name__}, which has no predict")
    if isinstance(model, PythonModel):
        _unwrap(model)
    return model


def _renamed(data: bytes) -> bytes:
    """Return a pickle with MLflow's name for the module of `PythonModel`.

    A pickler names a class by its module, and no hook of it can say otherwise.
    """
    if _OURS.encode() not in data:
        return data
    name = FILE_MODULE.encode()
    parts, starts = [], [(opcode.name, argument, at) for opcode, argument, at in pickletools.genops(data)]
    for (opcode, argument, start), (_, _, end) in zip(starts, [*starts[1:], ("", None, len(data))], strict=True):
        if opcode in _TEXT and argument == _OURS:
            parts.append(b"\x8c" + bytes([len(name)]) + name)
        elif opcode != "FRAME":  # frames hold their length, and may be left out
            parts.append(data[start:end])
    return b"".join(parts)


def _unwrap(model: PythonModel) -> None:
    """Take off the wrapper that MLflow puts round `predict` to check its inputs, which steno does before the call."""
    for owner, name in [(model, "func"), *((cls, "predict") for cls in type(model).__mro__)]:
        function = vars(owner).get(name)
        if getattr(function, "_is_pyfunc", False) and hasattr(function, "__wrapped__"):
            setattr(owner, name, function.__wrapped__)  # type: ignore[union-attr]


def version() -> str:
    """Return cloudpickle's version. Raises: MissingDependency."""
    return str(_cloudpickle().__version__)


def _cloudpickle() -> ModuleType:
    try:
        import cloudpickle
    except ImportError:
        raise MissingDependency("keeping a PythonModel", "cloudpickle") from None
    found: ModuleType = cloudpickle
    return found
