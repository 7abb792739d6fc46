"""Which optimizers and schedulers have been made, and in what order."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

_numbers = itertools.count(1)
_optimizers: dict[int, tuple[weakref.ref[Any], int]] = {}
_schedulers: dict[int, weakref.ref[Any]] = {}


def now() -> int:
    """Return a number that is larger than those of everything made until now."""
    return next(_numbers)


def optimizer_made(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """An optimizer is being made."""
    made, key = args[0], id(args[0])
    _optimizers[key] = (weakref.ref(made, lambda gone: _forget(_optimizers, key, gone)), next(_numbers))


def scheduler_made(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A scheduler is being made; which optimizer's it is it knows when that is over."""
    key = id(args[0])
    _schedulers.pop(key, None)  # the outer of two comes last
    _schedulers[key] = weakref.ref(args[0], lambda gone: _schedulers.pop(key, None))


def number_of(optimizer: Any) -> int:
    """Return when an optimizer was made; 0 if that was before anybody looked."""
    reference, number = _optimizers.get(id(optimizer), (None, 0))
    return number if reference is not None and reference() is optimizer else 0


def scheduler_of(optimizer: Any) -> Any | None:
    """Return the scheduler of an optimizer that was made last."""
    for reference in reversed(list(_schedulers.values())):
        scheduler = reference()
        if scheduler is not None and vars(scheduler).get("optimizer") is optimizer:
            return scheduler
    return None


def _forget(known: dict[int, tuple[weakref.ref[Any], int]], key: int, gone: weakref.ref[Any]) -> None:
    # Another object may have come to the same address since.
    if key in known and known[key][0] is gone:
        del known[key]
