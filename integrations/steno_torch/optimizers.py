"""What there is to say about an optimizer and its schedule."""

from __future__ import annotations

from typing import Any

import torch

from steno_torch import births
from steno_torch.tensors import Value, value_of

_SCALARS = (bool, int, float, str, type(None))
_PROGRESS = frozenset({"last_epoch", "num_bad_epochs", "cooldown_counter", "best", "T_cur", "mode_worse", "base_lrs"})


def params_of(optimizer: Any) -> dict[str, Any]:
    """Class name and hyper-parameters, under the names that MLflow gives them."""
    defaults = getattr(optimizer, "defaults", None)
    told: dict[str, Any] = {"optimizer_name": type(optimizer).__name__}
    for name, value in defaults.items() if isinstance(defaults, dict) else ():
        shown = _shown(value)
        if isinstance(name, str) and shown is not _HIDDEN:
            told[name] = shown
    return told


def params_of_scheduler(optimizer: Any) -> dict[str, Any]:
    """Class name and settings of the scheduler that was made last for an optimizer; empty if there is none."""
    scheduler = births.scheduler_of(optimizer)
    if scheduler is None:
        return {}
    told: dict[str, Any] = {"lr_scheduler": type(scheduler).__name__}
    for name, value in vars(scheduler).items():
        if name.startswith("_") or name in _PROGRESS:
            continue
        shown = _shown(value)
        if shown is not _HIDDEN and shown is not None:
            told[f"lr_scheduler.{name}"] = shown
    return told


_HIDDEN = object()


def _shown(value: Any) -> Any:
    if type(value) in _SCALARS:
        return value
    if type(value) in (tuple, list) and len(value) <= 16 and all(type(each) in _SCALARS for each in value):
        return value
    if type(value) is torch.Tensor:
        number = value_of(value)
        return number if isinstance(number, float) else _HIDDEN
    return _HIDDEN


def gradient_norm(optimizer: Any) -> Value | None:
    """The 2-norm of all gradients together, as the step used them (after clipping); None without any."""
    gradients = [
        parameter.grad
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None and parameter.grad.layout is torch.strided
    ]
    if not gradients:
        return None
    with torch.no_grad():
        norms = torch._foreach_norm(gradients)
        home = norms[0].device
        return value_of(torch.linalg.vector_norm(torch.stack([norm.to(home, torch.float32) for norm in norms])))
