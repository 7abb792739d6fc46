"""Copies of a module that share everything but its tensors: bounded by the size of its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Module, Parameter

_TRAINER = ("_trainer", "_fabric")  # a module in training knows who trains it, and with that all data

Take = Callable[[torch.Tensor], torch.Tensor]


def size_bytes(module: Module) -> int:
    """What the module's parameters and buffers hold."""
    storages = {id(each): each.numel() * each.element_size() for each in _tensors(module)}
    return sum(storages.values())


def copied(module: Module, *, tensors: bool = True) -> Module:
    """Return a copy that training the original further does not change.

    Args:
        module: Any module; what it is made of besides tensors is shared.
        tensors: Copy the tensors too; without, the copy shares them until others are put in their place.

    Raises:
        TypeError: A module that is no plain Python object, as one compiled by TorchScript.
    """
    copy: Module = _copied(module, _clone if tensors else _same, {})
    return copy


def _copied(module: Module, take: Take, known: dict[int, Any]) -> Any:
    found = known.get(id(module))
    if found is not None:  # a module that stands in two places
        return found
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError("a TorchScript module cannot be copied part by part")
    copy = known[id(module)] = object.__new__(type(module))
    vars(copy).update(vars(module))
    for name in _TRAINER:
        if name in vars(copy):
            vars(copy)[name] = None
    for kind in ("_parameters", "_buffers"):
        vars(copy)[kind] = {name: _taken(each, take, known) for name, each in vars(module)[kind].items()}
    vars(copy)["_modules"] = {
        name: each if each is None else _copied(each, take, known) for name, each in vars(module)["_modules"].items()
    }
    return copy


def _taken(tensor: Any, take: Take, known: dict[int, Any]) -> Any:
    if tensor is None or torch.nn.parameter.is_lazy(tensor):
        return tensor
    if id(tensor) not in known:
        with torch.no_grad():
            made = take(tensor)
        known[id(tensor)] = Parameter(made, tensor.requires_grad) if isinstance(tensor, Parameter) else made
    return known[id(tensor)]


def _clone(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().clone()


def _same(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach()


def _tensors(module: Module) -> list[torch.Tensor]:
    found = [*module.parameters(), *module.buffers()]
    return [each for each in found if not torch.nn.parameter.is_lazy(each)]
