"""One optimizer in one run: how many steps it has made, under what names its values stand, its learning rates."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from steno_torch.plain import NONE_MORE, PlainSteps
from steno_torch.series import Points
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
        return any(map(self.has, parameters_of(optimizer)))

    def has(self, parameter: Any) -> bool:
        """Whether steps are made on a parameter."""
        known = self.parameters.get(id(parameter))
        return known is not None and known() is parameter


class Track:
    """What one optimizer's steps are recorded under.

    Attributes:
        optimizer: Held weakly.
        counter: Its steps.
        index: 0 for the first optimizer of a run; the others' series end in "/1", "/2", ...
        keys: The name of each loss, as the user calls it, to that of its series.
        lr: The learning rate that was recorded last, or that of each group.
        plain: The steps of late that were like each other; None while there are none.
        is_lone: Whether no other optimizer makes steps on its parameters.
    """

    __slots__ = ("_before", "counter", "index", "is_lone", "keys", "lr", "optimizer", "plain")

    def __init__(self, optimizer: Any, counter: Counter, index: int) -> None:
        self.optimizer = weakref.ref(optimizer)
        self.counter = counter
        self.index = index
        self.keys: dict[str, str] = {}
        self.lr: Any = None
        self.plain: PlainSteps | None = None
        self.is_lone = True
        self._before: tuple[Any, Any] = (None, None)

    @property
    def suffix(self) -> str:
        """What its series end in."""
        return f"/{self.index}" if self.index else ""

    def repeats(self, names: tuple[str, ...], lr: float) -> bool:
        """Whether a step with one loss, which has just been made, was like that before: so may be those to come."""
        before, self._before = self._before, (names, lr)
        return self.is_lone and names is before[0] and lr is before[1]

    def expect_nothing(self) -> PlainSteps | None:
        """Steps from now on are looked at anew; return those that were alike."""
        plain, self.plain = self.plain, None
        if plain is not None:
            plain.names = NONE_MORE
        return plain

    def record_lr(self, lr: Any, series: Points, step: int, time_ns: int) -> None:
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
