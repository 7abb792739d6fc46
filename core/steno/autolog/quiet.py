"""A scope in which a framework may print, warn or draw random numbers without the user's process showing it."""

from __future__ import annotations

import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from steno.autolog.muted import muted

_hushed: ContextVar[bool] = ContextVar("steno_hushed", default=False)


class _WhileHushed:
    """Stands where a filter has its pattern; matches any text, but only inside `quiet()` of this thread or task.

    scikit-learn hands the filters of one thread to others and to processes. There it is a pattern that
    matches nothing.
    """

    pattern = "(?!)"
    flags = 0

    def match(self, text: str) -> bool:
        """Whether a warning with this text is to be ignored."""
        return _hushed.get()

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return re.compile, (self.pattern,)


_ENTRY: Any = ("ignore", _WhileHushed(), Warning, None, 0)


@contextmanager
def quiet() -> Iterator[None]:
    """Run a framework's code so that nothing of it shows: no print, no warning, no drawn number, no float error.

    For advice that calls `predict`, `score` and the like. Python's, NumPy's and (if imported) torch's global
    generators are set back if they moved; code that draws from them in another thread meanwhile may draw the
    same numbers twice. Warnings of other threads pass. About 0.1 milliseconds.

    `warnings.catch_warnings` would not do: it is not thread-safe, and it makes Python forget which warnings it
    has shown, so the user would see them again.
    """
    set_back = [remember() for remember in (_python, _numpy, _torch)]
    numpy = _imported("numpy")
    floats: AbstractContextManager[Any] = numpy.errstate(all="ignore") if numpy else nullcontext()
    try:
        with muted(), hushed(), floats:
            yield
    finally:
        for restore in set_back:
            restore()


@contextmanager
def hushed() -> Iterator[None]:
    """Show no warning of this thread or task, and forget none that was shown."""
    before = _hushed.set(True)
    filters = put_in_front()
    try:
        yield
    finally:
        _hushed.reset(before)
        take_out(filters)


def put_in_front() -> list[Any]:
    """Let the filters in force ignore what `hushed` scopes warn, before any other; return the list that has it now."""
    filters: list[Any] = warnings.filters  # type: ignore[assignment]
    filters.insert(0, _ENTRY)
    return filters


def _imported(name: str) -> Any:
    """Return a module if its import is over: another thread may be in the midst of it, and half a torch crashes."""
    module = sys.modules.get(name)
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module


def in_front() -> bool:
    """Whether the filters in force do so already."""
    filters: Any = warnings.filters
    return bool(filters) and filters[0] is _ENTRY


def take_out(filters: list[Any]) -> None:
    """Undo one `put_in_front`, in the very list: another thread may have put a copy of it in place meanwhile."""
    for index, entry in enumerate(filters):
        if entry is _ENTRY:
            del filters[index]
            return


def _python() -> Callable[[], None]:
    state = random.getstate()

    def restore() -> None:
        if random.getstate() != state:
            random.setstate(state)

    return restore


def _numpy() -> Callable[[], None]:
    generators = _imported("numpy") and _imported("numpy.random")
    if generators is None:
        return _nothing
    state = generators.get_state(legacy=False)

    def restore() -> None:
        if not _same(generators.get_state(legacy=False), state):
            generators.set_state(state)

    return restore


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):  # whose keys depend on the bit generator in use
        return all(_same(one[key], other[key]) for key in one)
    equal = one == other
    return bool(equal if isinstance(equal, bool) else equal.all())


def _torch() -> Callable[[], None]:
    torch = _imported("torch")
    # A device's generator is left out: reading it would wait for the device.
    if torch is None or not hasattr(torch, "get_rng_state"):
        return _nothing
    state = torch.get_rng_state()

    def restore() -> None:
        if not torch.equal(torch.get_rng_state(), state):
            torch.set_rng_state(state)

    return restore


def _nothing() -> None:
    return
