"""What of Keras itself a model's file may name: what builds models, and nothing that reads files or runs code."""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any

import keras

LAMBDA = "keras.layers.Lambda"
# A lambda is code in the file; the others load another model, or a pickle, from a place that the file names.
_DENIED = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_NAMESPACES = tuple(
    """layers models losses metrics optimizers optimizers.schedules initializers regularizers constraints activations
    dtype_policies quantizers random""".split()
)
_FUNCTIONS = ("activations", "losses", "metrics", "initializers", "regularizers", "constraints")
_OF_MODULES = frozenset({"get", "serialize", "deserialize"})
_SOURCES = tuple(
    f"keras.src.{part}."
    for part in """layers models losses metrics optimizers initializers regularizers constraints dtype_policies
    quantizers ops random""".split()
)
# On torch an optimizer is written under the module of its variant there (Keras 3.15).
_TORCH_OPTIMIZERS = "keras.src.backend.torch.optimizers.torch_"
_BASES = """Operation layers.Layer losses.Loss metrics.Metric optimizers.Optimizer initializers.Initializer
    optimizers.schedules.LearningRateSchedule regularizers.Regularizer constraints.Constraint DTypePolicy
    dtype_policies.DTypePolicyMap Quantizer quantizers.QuantizationConfig random.SeedGenerator""".split()


def is_class(module: str | None, name: str) -> bool:
    """Whether Keras finds a class of its own under this name, and one that is harmless; older files name no module."""
    if module is None:
        return any(_is_harmless(_member(namespace, name)) for namespace in _NAMESPACES)
    if module == "keras" or module.removeprefix("keras.") in _NAMESPACES:
        return _is_harmless(_member(module.removeprefix("keras").removeprefix("."), name))
    if module.startswith(_TORCH_OPTIMIZERS):
        return _is_harmless(_member("optimizers", name))
    if f"{module}.".startswith(_SOURCES):
        return _is_harmless(vars(sys.modules[module]).get(name) if module in sys.modules else None)
    return False


def is_function(module: str | None, name: str) -> bool:
    """Whether Keras finds a function of its own under this name that computes with tensors alone."""
    if name in _OF_MODULES:
        return False
    if module in (None, "builtins"):
        return any(inspect.isroutine(_member(namespace, name)) for namespace in _FUNCTIONS)
    namespace = str(module).removeprefix("keras.")
    return namespace != module and namespace in _FUNCTIONS and inspect.isroutine(_member(namespace, name))


def _is_harmless(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, _bases()) and not issubclass(found, _denied())


def _member(namespace: str, name: str) -> Any:
    found: Any = keras
    for part in (*namespace.split("."), name) if namespace else (name,):
        found = getattr(found, part, None)
    return found


@cache
def _bases() -> tuple[type, ...]:
    found = (_member(*_split(name)) for name in _BASES)
    return tuple(each for each in found if isinstance(each, type))


@cache
def _denied() -> tuple[type, ...]:
    found = (getattr(keras.layers, name, None) for name in _DENIED)
    return tuple(each for each in found if isinstance(each, type))


def _split(name: str) -> tuple[str, str]:
    namespace, _, last = name.rpartition(".")
    return namespace, last
