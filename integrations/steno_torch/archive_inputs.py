"""Inputs as `predict` takes them become tensors, and what a module returns becomes arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from steno.errors import InvalidValue
from steno.models import frames


def device_and_dtype(module: Any) -> tuple[torch.device, torch.dtype]:
    """Return where a module's parameters are, and the kind of its floating-point numbers."""
    found = [*module.parameters(), *module.buffers()]
    device = found[0].device if found else torch.device("cpu")
    floats = (tensor.dtype for tensor in found if tensor.dtype.is_floating_point)
    return device, next(floats, torch.get_default_dtype())


def tensors(inputs: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Return inputs with every table and array as a tensor; floating-point numbers in the module's own kind.

    Raises:
        InvalidValue: Something that no tensor holds.
    """
    if frames.is_dataframe(inputs) or frames.is_series(inputs):
        return _tensor(_numbers(inputs), device, dtype)
    if isinstance(inputs, Mapping):
        return {str(name): tensors(each, device, dtype) for name, each in inputs.items()}
    if isinstance(inputs, tuple):
        return tuple(tensors(each, device, dtype) for each in inputs)
    if isinstance(inputs, torch.Tensor):
        return inputs.to(device, dtype) if inputs.dtype.is_floating_point else inputs.to(device)
    return _tensor(np.asarray(inputs), device, dtype)


def called(module: Any, inputs: Any) -> Any:
    """Call a module: a dict gives arguments by name, a tuple several, anything else is the one."""
    if isinstance(inputs, dict):
        return module(**inputs)
    return module(*inputs) if isinstance(inputs, tuple) else module(inputs)


def plain(outputs: Any) -> Any:
    """Return outputs with every tensor as an array on the host."""
    if isinstance(outputs, torch.Tensor):
        host = outputs.detach().cpu()
        return (host.float() if host.dtype in _NOT_IN_NUMPY else host).numpy()
    if isinstance(outputs, Mapping):
        return {name: plain(each) for name, each in outputs.items()}
    if isinstance(outputs, (tuple, list)):
        return [plain(each) for each in outputs]
    return outputs


def like(outputs: Any, inputs: Any) -> Any:
    """Return outputs as a DataFrame with the inputs' index where the inputs are one, as MLflow does."""
    fits = isinstance(outputs, np.ndarray) and 0 < outputs.ndim <= 2
    if not (frames.is_dataframe(inputs) and fits and len(outputs) == len(inputs)):
        return outputs
    import pandas as pd

    return pd.DataFrame(outputs, index=inputs.index)


def _numbers(table: Any) -> Any:
    try:
        return table.to_numpy(dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"a module takes numbers, and the table holds something else: {error}") from error


def _tensor(array: Any, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    try:
        made = torch.from_numpy(array) if array.flags.writeable else torch.from_numpy(array.copy())
    except TypeError as error:
        raise InvalidValue(f"an array of {array.dtype} cannot become a tensor: {error}") from error
    return made.to(device, dtype) if made.dtype.is_floating_point else made.to(device)


_NOT_IN_NUMPY = frozenset(
    getattr(torch, name) for name in ("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")
)
