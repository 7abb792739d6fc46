"""Finds which loss module a training's loss comes from: it looks at the step after an optimizer's first."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from steno_torch import criteria

if TYPE_CHECKING:
    from steno_torch.gathering import Gathering

_MOST_HEARD = 1000
_MOST_KEPT = 64


class Criterion:
    """Where a training's loss comes from.

    Attributes:
        kind: The class of the loss module.
        name: Of the loss, as the user calls it.
        target: Tells the tensor of wanted outputs that the training was seen with, while it is there.
    """

    __slots__ = ("kind", "name", "target")

    def __init__(self, kind: type, name: str, target: Callable[[], Any]) -> None:
        self.kind, self.name, self.target = kind, name, target


class Search:
    """Hears the loss modules until the next step of a recording, and compares what comes to `backward`.

    Only numbers of nodes are kept: no graph.
    """

    def __init__(self, recording: Gathering) -> None:
        self.recording = recording
        self._heard: dict[int, tuple[type, Callable[[], Any]]] = {}
        self._count = 0
        self._found: list[Criterion | None] = []
        criteria.listen(self)

    def heard(self, module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        """A loss module was called."""
        self._count += 1
        if self._count > _MOST_HEARD:
            criteria.forget(self)  # no step comes
        node = result.grad_fn if isinstance(result, torch.Tensor) else None
        if node is not None and len(self._heard) < _MOST_KEPT:
            self._heard[node._sequence_nr()] = (type(module), _weak(given[1] if len(given) > 1 else None))

    def compare(self, name: str, tensor: torch.Tensor) -> None:
        """A loss is being differentiated: one that was heard, or that times a number."""
        with torch._C.DisableTorchFunction():
            node = tensor.grad_fn
            before = [each for each, _ in node.next_functions if each is not None] if node is not None else []
            heard = self._heard.get(node._sequence_nr()) if node is not None else None
            if heard is None and len(before) == 1:
                heard = self._heard.get(before[0]._sequence_nr())
        if len(self._found) < _MOST_KEPT:
            self._found.append(Criterion(heard[0], name, heard[1]) if heard is not None else None)

    def stepped(self, recording: Gathering | None) -> bool:
        """A step was made. Return whether the search is over: the step was the recording's."""
        found, self._found = self._found, []
        self._heard.clear()
        if recording is not self.recording or not found:
            return False
        criteria.forget(self)
        first = found[0]
        alike = all(each is not None and (each.kind, each.name) == (first.kind, first.name) for each in found if first)
        recording.criterion = first if alike else None
        recording.is_searched = True
        return True

    def end(self) -> None:
        """Look no more."""
        criteria.forget(self)


def _weak(target: Any) -> Callable[[], Any]:
    return weakref.ref(target) if isinstance(target, torch.Tensor) else lambda: None
