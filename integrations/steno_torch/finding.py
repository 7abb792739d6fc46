"""Finds the modules that an optimizer trains: by its parameters, among what the user's variables hold."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import nn

from steno_torch.callers import variables
from steno_torch.modules import unwrapped

STRONG_BYTES = 64 << 20
_MOST_MODULES = 100_000


class Trained:
    """A module that is being trained.

    A small one is held, because it is often gone when its run ends; a large one is not, its memory is the user's.

    Attributes:
        name: The variable it was found under.
        size_bytes: Of its parameters and buffers.
    """

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        own = tensors_of(module).values()
        sized = [each for each in own if not isinstance(each, nn.parameter.UninitializedTensorMixin)]
        self.size_bytes = sum(each.numel() * each.element_size() for each in sized)
        self._weak = weakref.ref(module)
        self._strong: nn.Module | None = None

    def hold(self) -> None:
        """Keep the module until `release`, if it is small."""
        self._strong = self._weak() if self.size_bytes <= STRONG_BYTES else None

    @property
    def module(self) -> nn.Module | None:
        """The module, None if it is gone."""
        return self._weak()

    def release(self) -> None:
        """Hold it no more."""
        self._strong = None


def find(optimizers: Iterable[Any]) -> dict[str, nn.Module]:
    """Return the modules that optimizers train, by the outermost variable that holds each; to be called from a step.

    The smallest module that has all of an optimizer's parameters; else those that have some of them. Wrappers
    for distribution and compilation are taken off.
    """
    candidates: dict[int, tuple[str, nn.Module, frozenset[int]]] = {}
    for name, value in variables():
        if issubclass(type(value), nn.Module):
            module = unwrapped(value)
            known = candidates.get(id(module))
            # Further out they have names of their own: what a helper calls "model" may be each of two.
            own = known[2] if known is not None else frozenset(tensors_of(module))
            candidates[id(module)] = (name, module, own)
    found: dict[str, nn.Module] = {}
    for optimizer in optimizers:
        wanted = {id(each) for group in optimizer.param_groups for each in group["params"]}
        for name, module, _ in _owners(wanted, list(candidates.values())):
            if all(module is not other for other in found.values()):
                found[name if name not in found else f"{name}_{len(found)}"] = module
    return found


def _owners(
    wanted: set[int], candidates: list[tuple[str, nn.Module, frozenset[int]]]
) -> list[tuple[str, nn.Module, frozenset[int]]]:
    whole = [each for each in candidates if wanted <= each[2]]
    if whole:
        return [min(whole, key=lambda each: len(each[2]))]
    chosen: list[tuple[str, nn.Module, frozenset[int]]] = []
    for each in sorted(candidates, key=lambda each: -len(each[2] & wanted)):
        if each[2] & wanted and not any(each[2] <= other[2] for other in chosen):
            chosen.append(each)
    return chosen[:8]


def modules_of(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """(dotted name, module) of a module and all below it, each once; runs no code of the user's."""
    seen: set[int] = set()
    waiting = [(name, module)]
    while waiting and len(seen) < _MOST_MODULES:
        path, current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield path, current
        children = list(vars(current).get("_modules", {}).items())
        waiting += [(f"{path}.{key}" if path else key, child) for key, child in reversed(children) if child is not None]


def tensors_of(module: nn.Module) -> dict[int, torch.Tensor]:
    """The parameters and buffers of a module and all below it, by identity."""
    found: dict[int, torch.Tensor] = {}
    for _, each in islice(modules_of(module), _MOST_MODULES):
        for kind in ("_parameters", "_buffers"):
            found.update((id(own), own) for own in vars(each).get(kind, {}).values() if own is not None)
    return found
