"""The calls of PyTorch's loss modules, heard only while somebody listens: from `eval()` to the next step, most often.

A global forward hook would do, but `torch.compile` warns of one and compiles it into every module. So `__call__` is set
on the base class of the loss modules, for that time; a compiled function is as it would be without.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Protocol

import torch
from steno.autolog import contain
from steno.autolog.nesting import current, leave_frame_out
from torch import nn
from torch.nn.modules.loss import _Loss


class Listener(Protocol):
    """Is told of each call of a loss module in its thread."""

    def heard(self, module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        """Take note of a call that is over; no function mode of the user's sees what is done here."""


_here = threading.local()
_listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
_lock = threading.RLock()  # a signal handler of the user's may come here


def listen(listener: Listener) -> None:
    """Tell a listener of this thread's calls."""
    with _lock:
        here = [each for each in getattr(_here, "listeners", ()) if each in _listeners and each is not listener]
        _here.listeners = (*here, listener)
        _listeners.add(listener)
        if "__call__" not in vars(_Loss):
            _Loss.__call__ = _called


def forget(listener: Listener) -> None:
    """Tell a listener no more, whosever thread this is."""
    with _lock:
        _listeners.discard(listener)
        _here.listeners = tuple(each for each in getattr(_here, "listeners", ()) if each in _listeners)
        if not _listeners:
            _take_back()


def reset() -> None:
    """In a forked child nobody listens."""
    global _lock
    _lock = threading.RLock()
    _listeners.clear()
    _here.__dict__.clear()
    _take_back()


def _take_back() -> None:
    if vars(_Loss).get("__call__") is _called:
        del _Loss.__call__


def _called(self: nn.Module, /, *args: Any, **kwargs: Any) -> Any:
    if torch.compiler.is_compiling():
        return nn.Module.__call__(self, *args, **kwargs)
    try:
        result = nn.Module.__call__(self, *args, **kwargs)
    except BaseException as error:
        leave_frame_out(error)
        raise
    listeners: tuple[Listener, ...] = getattr(_here, "listeners", ())
    if listeners and torch._C._get_tracing_state() is None:
        try:
            if current() is None:
                with torch._C.DisableTorchFunction():
                    for each in listeners:
                        each.heard(self, (*args, *kwargs.values()), result)
        except Exception as error:  # advice: no evaluation ends for what we make of it
            contain("pytorch", "_Loss.__call__", error)
    return result
