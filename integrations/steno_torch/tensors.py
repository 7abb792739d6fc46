"""Reads one number off a tensor without waiting for a device: at once on the CPU, else as a copy to be read later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch

Value: TypeAlias = float | torch.Tensor
"""A number, or a tensor of one element on a device."""

_PLAIN_DISPATCH = torch.Tensor.__torch_dispatch__
_dispatch_modes = torch._C._len_torch_dispatch_stack
_function_modes = torch._C._len_torch_function_stack


@contextmanager
def unseen() -> Iterator[None]:
    """Let modes and tensor subclasses of the user's not see what is done here."""
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch(), torch.no_grad():
        yield


def value_of(tensor: Any) -> Value | None:
    """Return the number in a tensor, detached and independent of it; None if it has not exactly one."""
    try:
        if type(tensor) is torch.Tensor and not _dispatch_modes() and not _function_modes():
            return _read(tensor)
        if not issubclass(type(tensor), torch.Tensor) or type(tensor).__torch_dispatch__ is not _PLAIN_DISPATCH:
            return None  # a distributed tensor would have to ask other processes
        with unseen():
            return _read(tensor.as_subclass(torch.Tensor) if type(tensor) is not torch.Tensor else tensor)
    except Exception:  # advice: a tensor of a strange make has no value to show
        return None


def _read(tensor: torch.Tensor) -> Value | None:
    if tensor.numel() != 1:
        return None
    if tensor.is_cpu:
        number = tensor.item()
        return float(number) if not isinstance(number, complex) else None
    if tensor.is_meta or (tensor.is_cuda and torch.cuda.is_current_stream_capturing()):
        return None
    # A bare `detach` would keep the storage of what it is a view of, and change with it.
    copied: torch.Tensor = tensor.detach().reshape(()).clone()
    return copied


def number_or_value(value: Any) -> Value | None:
    """Return what was given as a metric: a number of any kind, or a tensor of one."""
    if isinstance(value, torch.Tensor):
        return value_of(value)
    try:
        return float(value)
    except Exception:  # advice: what cannot be a number is left out
        return None
