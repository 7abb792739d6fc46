"""What of PyTorch's own a model may name without a question: layers, activations, and what tensors are made with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch.nn import functional

_ACTIVATIONS = (
    "celu elu gelu glu hardsigmoid hardswish hardtanh leaky_relu log_softmax logsigmoid mish normalize relu relu6 "
    "rrelu selu sigmoid silu softmax softmin softplus softsign tanh"
).split()
_TENSOR_FUNCTIONS = ("relu", "selu", "sigmoid", "softmax", "log_softmax", "tanh")
# Data that frameworks built on PyTorch keep on their modules: a dict that is read in another way.
DATA_CLASSES = ("lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict")
# What pickles of modules are made of beside their classes; none of these does more than hold or shape data.
_PICKLED = (
    "__builtin__.set",  # its name in the protocol that torch.save uses
    "builtins.set",
    "collections.OrderedDict",
    "torch.Size",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor_v2",
    "torch.device",
)
_PARTS = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__", "__qualname__", "__module__")


@cache
def layers() -> dict[str, type]:
    """Return `torch.nn`'s own modules by qualified name."""
    places = [module for name, module in sorted(sys.modules.items()) if name.startswith("torch.nn.modules.")]
    classes = [each for place in places for each in vars(place).values() if inspect.isclass(each)]
    own = [each for each in classes if issubclass(each, torch.nn.Module) and each.__module__.startswith("torch.nn.mod")]
    return {f"{each.__module__}.{each.__qualname__}": each for each in own}


@cache
def functions() -> dict[str, Any]:
    """Return the activation functions that modules keep, by the name they are called by."""
    found = {f"torch.{name}": getattr(torch, name) for name in _TENSOR_FUNCTIONS}
    return {**found, **{f"torch.nn.functional.{name}": getattr(functional, name) for name in _ACTIVATIONS}}


@contextmanager
def unchanged() -> Iterator[None]:
    """See to it that the functions a pickle may name are afterwards what they were: a pickle can set attributes."""
    rebuild = (torch._utils._rebuild_parameter, torch._utils._rebuild_tensor_v2)
    named = [each for each in (*functions().values(), *rebuild) if isinstance(each, FunctionType)]
    before = [(each, {name: getattr(each, name) for name in _PARTS}, dict(vars(each))) for each in named]
    try:
        yield
    finally:
        for function, parts, own in before:
            for name, part in parts.items():
                setattr(function, name, part)
            vars(function).clear()
            vars(function).update(own)


@cache
def pickled() -> frozenset[str]:
    """Return the names that a pickle of standard modules imports."""
    # Functions made in C are pickled under the module that made them.
    activations = {f"{each.__module__}.{each.__name__}" for each in functions().values() if each.__module__}
    storages = {f"torch.{name}" for name in vars(torch) if name.endswith("Storage") and name[0].isupper()}
    dtypes = {str(value) for value in vars(torch).values() if isinstance(value, torch.dtype)}
    untyped = {"torch.Storage", "torch.TypedStorage", "torch.UntypedStorage"}
    return frozenset({*layers(), *activations, *_PICKLED, *dtypes, *(storages - untyped)})
