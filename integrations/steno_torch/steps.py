"""What is noticed of a loop: losses, steps, passes through data."""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter, time_ns
from typing import Any

import torch
from steno.contracts.integration import Call

from steno_torch import loops
from steno_torch.callsite import names_at
from steno_torch.loaders import Pass
from steno_torch.loops import here
from steno_torch.tensors import is_plain, value_of

_current_task = torch._C._current_graph_task_id
_MOST_SCALED = 16
_SAMPLE = 31  # one call in so many, and one, is timed


def backward(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A loss is about to be differentiated. Every line here is paid for at each step of a loop."""
    if _current_task() != -1:
        return  # by a backward that is running: a checkpoint computes its part again
    loop = here.loop
    loop.calls += 1
    began_s = 0.0 if loop.calls & _SAMPLE else perf_counter()
    given: Any = args[0] if args else kwargs.get("tensors")
    if type(given) is torch.Tensor and not loop.scaled:
        value = given.item() if is_plain(given) else value_of(given)
        if value is not None:
            losses = loop.losses
            losses.append((names_at(2)[0], value))
            if len(losses) > loops.MOST_LOSSES:  # and no step comes
                del losses[: loops.MOST_LOSSES // 2]
    else:
        _unusual(loop, given, names_at(2))
    if began_s:
        loop.cost_s = perf_counter() - began_s


def _unusual(loop: loops.Loop, given: Any, names: tuple[str, ...]) -> None:
    """Take a list of losses, one of a class of its own, or one that a gradient scaler has multiplied."""
    if not isinstance(given, list | tuple):
        _take(loop, names[0], given)
        return
    for index, tensor in enumerate(given[: loops.MOST_LOSSES]):
        _take(loop, names[index] if len(names) == len(given) else f"{names[0]}_{index}", tensor)


def _take(loop: loops.Loop, name: str, tensor: Any) -> None:
    if not isinstance(tensor, torch.Tensor):
        return
    value = loop.scaled.pop(_factor(tensor), None) if loop.scaled else None
    if value is None:
        value = value_of(tensor)
    if value is not None:
        loop.losses.append((name, value))


def _factor(tensor: Any) -> int:
    """The number of the node that a product was made from; the scaler's loss is the first factor."""
    node = tensor.grad_fn
    before = node.next_functions if node is not None else ()
    return before[0][0]._sequence_nr() if before and before[0][0] is not None else -1


def scaled(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A loss is about to be multiplied by a gradient scaler: its true value is now."""
    scaler, given = args[0], args[1] if len(args) > 1 else kwargs.get("outputs")
    if not isinstance(given, torch.Tensor) or given.grad_fn is None or not scaler.is_enabled():
        return
    value = value_of(given)
    if value is not None:
        waiting = here.loop.scaled
        if len(waiting) >= _MOST_SCALED:
            waiting.clear()
        waiting[given.grad_fn._sequence_nr()] = value


def stepped(optimizer: Any, args: Any, kwargs: Any) -> None:
    """An optimizer has made a step."""
    here.loop.stepped(optimizer)


def iterated(call: Call) -> Generator[None, Any, None]:
    """A pass through a data loader begins."""
    began_ns = time_ns()
    iterator = yield
    here.loop.begin(Pass(call.instance, iterator, began_ns))
