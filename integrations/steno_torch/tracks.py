"""One optimizer in one run: how many steps it has made, under what names its values stand, its learning rates."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from steno_torch.series import Series
from steno_torch.tensors import value_of

_MOST_GROUPS = 16


class Counter:
    """The steps made on one set of parameters; shared by the optimizers that make them.

    Attributes:
        steps: How many.
        parameters: Some of the parameters, held weakly.
    """

    __slots__ = ("parameters", "steps")

    def __init__(self, optimizer: Any) -> None:
        self.steps = 0
        self.parameters: dict[int, weakref.ref[Any]] = {}
        self.meet(optimizer)

    def meet(self, optimizer: Any) -> None:
        """An optimizer makes steps on these parameters."""
        for parameter in parameters_of(optimizer):
            self.parameters[id(parameter)] = weakref.ref(parameter)

    def shares(self, optimizer: Any) -> bool:
        """Whether an optimizer has one of the parameters."""
        for parameter in parameters_of(optimizer):
            known = self.parameters.get(id(parameter))
            if known is not None and known() is parameter:
                return True
        return False


class Track:
    """What one optimizer's steps are recorded under.

    Attributes:
        optimizer: Held weakly.
        counter: Its steps.
        index: 0 for the first optimizer of a run; the others' series end in "/1", "/2", ...
        keys: The name of each loss, as the user calls it, to that of its series.
        lr: The learning rate that was recorded last, or that of each group.
    """

    __slots__ = ("counter", "index", "keys", "lr", "optimizer")

    def __init__(self, optimizer: Any, counter: Counter, index: int) -> None:
        self.optimizer = weakref.ref(optimizer)
        self.counter = counter
        self.index = index
        self.keys: dict[str, str] = {}
        self.lr: Any = None

    @property
    def suffix(self) -> str:
        """What its series end in."""
        return f"/{self.index}" if self.index else ""

    def record_lr(self, lr: Any, series: Series, step: int, time_ns: int) -> None:
        """Record the learning rates that a step was made with, where they have changed."""
        before, self.lr = self.lr, lr
        lrs = lr if isinstance(lr, tuple) else (lr,)
        old = before if isinstance(before, tuple) else (before,)
        for index, value in enumerate(lrs[:_MOST_GROUPS]):
            changed = index >= len(old) or type(value) is not type(old[index])
            if changed or isinstance(value, torch.Tensor) or value != old[index]:
                name = f"lr{self.suffix}/pg{index}" if index else f"lr{self.suffix}"
                if isinstance(value, float | torch.Tensor):
                    series.add(name, value, step, time_ns)


def lr_of(groups: list[dict[str, Any]]) -> Any:
    """The learning rate of an optimizer's only group, or of each; one that is a tensor is read."""
    if len(groups) == 1:
        lr = groups[0].get("lr")
        return lr if type(lr) is float else _number(lr)
    return tuple(_number(group.get("lr")) for group in groups[:_MOST_GROUPS])


def _number(lr: Any) -> Any:
    if isinstance(lr, torch.Tensor):
        return value_of(lr)  # set in place, so it is another each time
    return float(lr) if isinstance(lr, float | int) else None


def parameters_of(optimizer: Any) -> list[Any]:
    """All parameters of an optimizer."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
