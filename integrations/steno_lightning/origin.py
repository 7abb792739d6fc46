"""Which run a module was trained in, as long as both are in this process."""

from __future__ import annotations

import weakref
from typing import Any

TRAINED_IN = "steno.trained_in"
_runs: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def remember(model: Any, run_id: str) -> None:
    """Let later evaluations of a module tell where it comes from."""
    if model is not None and run_id:
        _runs[model] = run_id


def run_of(model: Any) -> str | None:
    """Return the id of the run that trained a module, None if it is not known."""
    return _runs.get(model) if model is not None else None
