"""A module as plain data: classes by name, attributes, and the names of its tensors; and the module back from it.

What is described is what a pickle would hold, but as JSON: nothing of it can run, and reading it tells every class it
needs. A module is rebuilt as unpickling would, without calling its constructor, so arguments need not be known.
"""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Iterator
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from steno.models import frames

from steno_torch.archive_allowed import functions

MOST_VALUES = 200_000
_OWN = frozenset(vars(torch.nn.Module()))
_PLAIN = (bool, int, str, type(None))
_SEQUENCES = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset", torch.Size: "size"}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


class NotData(Exception):
    """Something that a description cannot hold; the message says what and where."""


def bare(module: Any) -> Any:
    """Return the module inside what compiles it or spreads it over devices and processes."""
    while True:
        # What `torch.compile` gives, told without importing the compiler, which takes a second.
        if type(module).__name__ == "OptimizedModule" and "_orig_mod" in vars(module).get("_modules", ()):
            module = module._modules["_orig_mod"]
        elif isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            module = module.module
        else:
            return module


def is_plain(tensor: Any) -> bool:
    """Whether it is a tensor of PyTorch's own, whole and with a shape."""
    return type(tensor) in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


class Description:
    """Walks a module and gathers its tree and tensors. The tensors are the module's own: copy them to keep them.

    Attributes:
        tree: The description, ready for JSON. Raises NotData on the way if there can be none.
        tensors: By name; names are those of the state dict where it has them.
        tied: Further names in the state dict for tensors that several places share.
        beside: Names that are not in the state dict.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self._names: dict[int, str] = {}
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # what is described must not give its id to another
        self._count = 0
        self.tree = self._module(module, "")
        places = {path: self._names[id(tensor)] for path, tensor in state_of(bare(module))}
        self.tied = {path: name for path, name in places.items() if path != name}
        self.beside = sorted(set(self.tensors) - set(places.values()))

    def _module(self, module: Any, path: str) -> dict[str, Any]:
        module = bare(module)
        if (seen := self._seen.get(id(module))) is not None:
            return {"$seen": seen}
        state = self._state(module, path)
        if any(state.get(hooks) for hooks in _HOOKS):
            raise NotData(f"{_at(path)} has forward hooks, which are code")
        tree: dict[str, Any] = {
            "$module": self._class(type(module), path),
            "id": self._number(module),
            "training": bool(module.training),
        }
        for kind in ("parameters", "buffers"):
            tree[kind] = {
                name: None if tensor is None else self._tensor(tensor, _join(path, name))
                for name, tensor in state[f"_{kind}"].items()
            }
        tree["temporary"] = sorted(state["_non_persistent_buffers_set"])
        tree["children"] = {
            name: None if child is None else self._module(child, _join(path, name))
            for name, child in state["_modules"].items()
        }
        own = {name: value for name, value in state.items() if name not in _OWN}
        if isinstance(own.get("_device"), torch.device):  # where Lightning last moved it; it is loaded on the CPU
            own["_device"] = torch.device("cpu")
        tree["attributes"] = {name: self._value(value, _join(path, name)) for name, value in own.items()}
        return tree

    def _state(self, thing: Any, path: str) -> dict[str, Any]:
        kind = type(thing)
        ways = (getattr(kind, "__reduce__", None), getattr(kind, "__reduce_ex__", None))
        if ways != (object.__reduce__, object.__reduce_ex__) or kind.__new__ not in (object.__new__, dict.__new__):
            raise NotData(f"{_at(path)} ({_name(kind)}) is taken apart in a way of its own")
        try:
            state = thing.__getstate__()
        except Exception as error:  # what its class refuses with is its own affair
            raise NotData(f"{_at(path)} ({_name(kind)}) cannot be taken apart: {error}") from error
        if state is None:
            return {}
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise NotData(f"{_at(path)} ({_name(kind)}) keeps its state in a way of its own")
        return state

    def _tensor(self, tensor: Any, path: str) -> dict[str, str]:
        if (known := self._names.get(id(tensor))) is not None:
            return {"$tensor": known}
        if not is_plain(tensor):
            raise NotData(f"{_at(path)} is a {_name(type(tensor))}, no plain tensor")
        self._names[id(tensor)] = path
        self.tensors[path] = tensor
        return {"$tensor": path}

    def _array(self, array: Any, path: str) -> str:
        # A view where that can be: copies are for those who keep the description.
        shared = array.flags.writeable and all(stride >= 0 for stride in array.strides)
        try:
            tensor = torch.from_numpy(array if shared else array.copy())
        except (TypeError, ValueError) as error:
            raise NotData(f"{_at(path)} is an array of {array.dtype}, which no tensor holds") from error
        self._alive.append(tensor)
        return self._tensor(tensor, path)["$tensor"]

    def _value(self, value: Any, path: str) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise NotData(f"more than {MOST_VALUES} values are kept beside the tensors, some at {_at(path)}")
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"$float": str(value)}
        if kind in _SEQUENCES:
            items = [self._value(each, f"{path}.{index}") for index, each in enumerate(value)]
            return items if kind is list else {f"${_SEQUENCES[kind]}": items}
        if kind in (dict, OrderedDict):
            return {"$dict" if kind is dict else "$ordered": self._pairs(value, path)}
        return self._framework_value(value, path)

    def _framework_value(self, value: Any, path: str) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value, path)
        if isinstance(value, torch.nn.Module):
            return self._module(value, path)
        if isinstance(value, (torch.dtype, torch.device)):
            return {f"${type(value).__name__}": str(value).removeprefix("torch.")}
        if frames.is_ndarray(value):
            return {"$array": self._array(value, path)}
        if frames.is_numpy_scalar(value):
            import numpy as np

            return {"$scalar": self._array(np.asarray(value), path)}
        return self._named_value(value, path)

    def _named_value(self, value: Any, path: str) -> Any:
        if isinstance(value, type):
            return {"$class": self._class(value, path)}
        if isinstance(value, (FunctionType, BuiltinFunctionType)):
            return {"$function": self._function(value, path)}
        if isinstance(value, partial) and type(value) is partial and not vars(value):
            parts = (value.func, value.args, value.keywords)
            return {"$partial": [self._value(each, path) for each in parts]}
        if isinstance(value, Enum):
            return {"$enum": self._class(type(value), path), "name": value.name}
        return self._object(value, path)

    def _object(self, value: Any, path: str) -> dict[str, Any]:
        if (seen := self._seen.get(id(value))) is not None:
            return {"$seen": seen}
        state = self._state(value, path)
        tree: dict[str, Any] = {"$object": self._class(type(value), path), "id": self._number(value)}
        if isinstance(value, dict):
            tree["items"] = self._pairs(value, path)
        tree["state"] = {name: self._value(each, _join(path, name)) for name, each in state.items()}
        return tree

    def _pairs(self, value: dict[Any, Any], path: str) -> list[list[Any]]:
        return [[self._value(key, path), self._value(each, _join(path, str(key)))] for key, each in value.items()]

    def _number(self, thing: Any) -> int:
        self._alive.append(thing)
        return self._seen.setdefault(id(thing), len(self._seen))

    def _class(self, kind: type, path: str) -> list[str]:
        return _found(kind, kind.__module__, kind.__qualname__, path)

    def _function(self, function: Any, path: str) -> list[str]:
        for name, known in functions().items():
            if known is function:
                return list(name.rsplit(".", 1))
        return _found(function, function.__module__, function.__qualname__, path)


def state_of(module: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor of a state dict by its name there; not by `state_dict`, which runs hooks and may wait for others."""
    for name, tensor in module._parameters.items():
        if tensor is not None:
            yield prefix + name, tensor
    for name, tensor in module._buffers.items():
        if tensor is not None and name not in module._non_persistent_buffers_set:
            yield prefix + name, tensor
    for name, child in module._modules.items():
        if child is not None:
            yield from state_of(bare(child), f"{prefix}{name}.")


def _found(thing: Any, module: Any, name: str, path: str) -> list[str]:
    """Return where a class or function is to be imported from. Raises: NotData if it is not there."""
    found: Any = sys.modules.get(str(module))
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not thing:
        raise NotData(f"{_at(path)} needs {module}.{name}, which no other process can find under that name")
    return [module, name]


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _at(path: str) -> str:
    return f"its attribute {path!r}" if path else "it"
