"""Which of the two packages a trainer is of, and what is built on its base classes."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

_MODULES = {"lightning": "under_lightning", "pytorch_lightning": "under_pytorch_lightning"}


def built_on_package_of(trainer: Any) -> ModuleType:
    """Return the module whose classes fit a trainer, that of a subclass of the user's too."""
    for cls in type(trainer).__mro__:
        name = _MODULES.get(cls.__module__.partition(".")[0])
        if name is not None:
            return importlib.import_module(f"steno_lightning.{name}")
    raise TypeError(f"{type(trainer).__qualname__} is no Trainer of Lightning's")


def installed() -> ModuleType:
    """Return the module for the package that is there, `lightning` if both are."""
    try:
        return importlib.import_module("steno_lightning.under_lightning")
    except ModuleNotFoundError:
        return importlib.import_module("steno_lightning.under_pytorch_lightning")
