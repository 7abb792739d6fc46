"""What is noticed of a loop: losses, steps, passes through data."""

from __future__ import annotations

import sys
from collections.abc import Generator
from time import time_ns
from typing import Any

import torch
from steno.contracts.integration import Call

from steno_torch import loops
from steno_torch.callsite import known_sites, names_at
from steno_torch.loaders import Pass
from steno_torch.loops import here, loop_here
from steno_torch.tensors import value_of

# What a step of a loop looks up, at hand.
_current_task = torch._C._current_graph_task_id
_dispatch_modes = torch._C._len_torch_dispatch_stack
_function_modes = torch._C._len_torch_function_stack
_frame = sys._getframe
_Tensor = torch.Tensor
_MOST_SCALED = 16


def backward(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A loss is about to be differentiated. Every line here is paid for at each step of a loop."""
    try:
        loss = here.loss
    except AttributeError:
        loss = loop_here().loss
    given: Any = args[0] if args else kwargs.get("tensors")
    # Modes before the rest: they would see what is asked of the loss.
    if (
        loss.names is None
        and type(given) is _Tensor
        and not _function_modes()
        and not _dispatch_modes()
        and given.is_cpu
        and not given.dim()
    ):
        try:
            # Of the frames above, most often, one is the stub's, one `Tensor.backward`, and then comes the user's.
            frame = _frame(3)
            if frame.f_lasti != loss.instruction or frame.f_code is not loss.code:
                loss.code, loss.instruction = frame.f_code, frame.f_lasti
                loss.names_there = known_sites[id(loss.code), loss.instruction][1]
            value = given.tolist()  # one number; as `item`, without letting go of the interpreter for a moment
        except (KeyError, RuntimeError, ValueError):
            # A place not seen before; a loss that cannot be read; `autograd.backward(loss)` that nobody called.
            loss.code = None
        else:
            if type(value) is float:
                loss.value, loss.names = value, loss.names_there
                return
    # By a backward that is running: a checkpoint computes its part again.
    if _current_task() == -1:
        _unusual(loop_here(), given, names_at(1))


def _unusual(loop: loops.Loop, given: Any, names: tuple[str, ...]) -> None:
    """Take the second loss of a step, a list, one of a class of its own, one that a gradient scaler has multiplied."""
    loop.unpack()
    if not isinstance(given, list | tuple):
        _take(loop, names[0], given)
        del loop.losses[: -loops.MOST_LOSSES]
        return
    for index, tensor in enumerate(given[: loops.MOST_LOSSES]):
        _take(loop, names[index] if len(names) == len(given) else f"{names[0]}_{index}", tensor)


def _take(loop: loops.Loop, name: str, tensor: Any) -> None:
    if not isinstance(tensor, torch.Tensor):
        return
    if loop.search is not None:
        loop.search.compare(name, tensor)
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
        waiting = loop_here().scaled
        if len(waiting) >= _MOST_SCALED:
            waiting.clear()
        waiting[given.grad_fn._sequence_nr()] = value
        loop_here().unpack()


def evaluating(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A module goes to eval."""
    loop = getattr(here, "loop", None)
    if loop is not None and args:
        with torch._C.DisableTorchFunction():  # a mode of the user's would see what is asked
            loop.evaluates(args[0])


def iterated(call: Call) -> Generator[None, Any, None]:
    """A pass through a data loader begins."""
    began_ns = time_ns()
    loop_here().look_at_passes()
    iterator = yield
    with torch._C.DisableTorchFunction():  # a mode of the user's would see how long the data set is
        through = Pass(call.instance, iterator, began_ns)
    loop_here().begin(through)
