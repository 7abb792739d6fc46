"""Makes a module from its description, of classes that PyTorch brings or that the caller trusts."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from functools import partial
from typing import Any

import torch
from steno.errors import ModelError, UntrustedTypes

from steno_torch.archive_allowed import DATA_CLASSES, functions, layers

_NAMED = ("$module", "$class", "$function", "$enum", "$object")
_SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$size": torch.Size,
}


def names(tree: Any) -> frozenset[str]:
    """Return all qualified names in a description. Raises: ModelError if one is no name."""
    return frozenset(".".join(_pair(found)) for found in _named(tree))


def untrusted(tree: Any) -> frozenset[str]:
    """Return the names beyond PyTorch's own. Raises: ModelError."""
    return names(tree) - {*layers(), *functions(), *DATA_CLASSES}


def rebuilt(tree: Any, tensors: Mapping[str, torch.Tensor], trusted: Collection[str], where: str) -> torch.nn.Module:
    """Return the module. Raises: UntrustedTypes, and whatever a malformed description or a class of the user's does."""
    if unknown := untrusted(tree) - set(trusted):
        raise UntrustedTypes(where, unknown)
    module = _Builder(tensors, where).value(tree)
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"{where} describes no module")
    return module


def _named(tree: Any) -> Iterator[Any]:
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield from (value[key] for key in _NAMED if key in value)
            stack += value.values()
        elif isinstance(value, list):
            stack += value


def _pair(found: Any) -> tuple[str, str]:
    if isinstance(found, list) and len(found) == 2 and all(isinstance(each, str) and each for each in found):
        return found[0], found[1]
    raise ModelError(f"{found!r} is no module and name of a class")


class _Builder:
    """Builds values; its user has compared all names with those trusted."""

    def __init__(self, tensors: Mapping[str, torch.Tensor], where: str) -> None:
        self._tensors, self._where = tensors, where
        self._built: dict[int, Any] = {}

    def value(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.value(each) for each in tree]
        if not isinstance(tree, dict):
            return tree
        kind = next(iter(tree))
        if kind in _SEQUENCES:
            return _SEQUENCES[kind]([self.value(each) for each in tree[kind]])
        return getattr(self, f"_{kind[1:]}")(tree) if kind in _KINDS else self._unknown(kind)

    def _unknown(self, kind: str) -> Any:
        raise ModelError(f"{self._where} describes a {kind!r}, which this version of steno does not know")

    def _float(self, tree: dict[str, Any]) -> float:
        return float(tree["$float"])

    def _dict(self, tree: dict[str, Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(each) for key, each in tree["$dict"]}

    def _ordered(self, tree: dict[str, Any]) -> OrderedDict[Any, Any]:
        return OrderedDict((self.value(key), self.value(each)) for key, each in tree["$ordered"])

    def _tensor(self, tree: dict[str, Any]) -> torch.Tensor:
        return self._tensors[tree["$tensor"]]

    def _array(self, tree: dict[str, Any]) -> Any:
        return self._tensors[tree["$array"]].numpy()

    def _scalar(self, tree: dict[str, Any]) -> Any:
        return self._tensors[tree["$scalar"]].numpy()[()]

    def _dtype(self, tree: dict[str, Any]) -> torch.dtype:
        return self._a(torch.dtype, getattr(torch, tree["$dtype"]))

    def _device(self, tree: dict[str, Any]) -> torch.device:
        return torch.device(tree["$device"])

    def _partial(self, tree: dict[str, Any]) -> Any:
        function, arguments, keywords = map(self.value, tree["$partial"])
        return partial(function, *arguments, **keywords)

    def _class(self, tree: dict[str, Any]) -> type:
        kind: type = self._a(type, self._named(tree["$class"]))
        return kind

    def _function(self, tree: dict[str, Any]) -> Any:
        return self._named(tree["$function"])

    def _enum(self, tree: dict[str, Any]) -> Any:
        kind = self._named(tree["$enum"])
        if not (isinstance(kind, type) and issubclass(kind, Enum)):
            raise ModelError(f"{self._where} takes {tree['$enum']} for an Enum")
        return kind[tree["name"]]

    def _seen(self, tree: dict[str, Any]) -> Any:
        return self._built[tree["$seen"]]

    def _object(self, tree: dict[str, Any]) -> Any:
        kind = self._a(type, self._named(tree["$object"]))
        if issubclass(kind, torch.nn.Module):
            raise ModelError(f"{self._where} takes the module {kind.__qualname__} for something else")
        built = self._built[tree["id"]] = dict.__new__(kind) if issubclass(kind, dict) else object.__new__(kind)
        if issubclass(kind, dict):
            dict.update(built, {self.value(key): self.value(each) for key, each in tree["items"]})
        self._restore(built, {name: self.value(each) for name, each in tree["state"].items()})
        return built

    def _module(self, tree: dict[str, Any]) -> torch.nn.Module:
        kind = self._a(type, self._named(tree["$module"]))
        if not issubclass(kind, torch.nn.Module):
            raise ModelError(f"{self._where} takes {kind.__qualname__} for a module")
        built: torch.nn.Module = object.__new__(kind)
        self._built[tree["id"]] = built
        state = vars(torch.nn.Module())
        state["training"] = bool(tree["training"])
        state["_non_persistent_buffers_set"] = set(tree["temporary"])
        for place, wanted, part in (
            ("_parameters", torch.nn.Parameter, tree["parameters"]),
            ("_buffers", torch.Tensor, tree["buffers"]),
            ("_modules", torch.nn.Module, tree["children"]),
        ):
            state[place].update(
                {name: None if each is None else self._a(wanted, self.value(each)) for name, each in part.items()}
            )
        own = {name: self.value(each) for name, each in tree["attributes"].items()}
        self._restore(built, {**state, **{name: each for name, each in own.items() if name not in state}})
        return built

    def _restore(self, built: Any, state: dict[str, Any]) -> None:
        # Asked of the class: an instance may answer with what the file put into it.
        restore = getattr(type(built), "__setstate__", None)
        if restore is not None:
            restore(built, state)
        else:
            vars(built).update(state)

    def _named(self, found: Any) -> Any:
        module, name = _pair(found)
        whole = f"{module}.{name}"
        own = layers().get(whole) or functions().get(whole)
        if own is not None:
            return own
        try:
            thing: Any = importlib.import_module(module)
            for part in name.split("."):
                thing = getattr(thing, part)
        except (ImportError, AttributeError) as error:
            raise ModelError(
                f"{self._where} needs {whole}, which is not to be found here: {error}. Make it importable, or load "
                "the weights into an instance of your own: "
                "module.load_state_dict(steno.pytorch.load_state_dict(model_uri))"
            ) from error
        return thing

    def _a(self, wanted: Any, value: Any) -> Any:
        if not isinstance(value, wanted):
            raise ModelError(f"{self._where} has a {type(value).__name__} where a {wanted.__name__} belongs")
        return value


_KINDS = frozenset(
    "$float $dict $ordered $tensor $array $scalar $dtype $device $partial $class $function $enum $seen $object "
    "$module".split()
)
