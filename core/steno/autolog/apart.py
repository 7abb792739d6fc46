"""A scope for work on a thread of ours: what frameworks do there to the process's warnings stays there."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from steno.autolog.quiet import hushed, in_front, put_in_front, take_out
from steno.autolog.swap import CodeSwap

_lock = threading.Lock()
_swaps: list[CodeSwap] = []
_ours: set[int] = set()
_filters: list[list[Any]] = []  # those that have been in force meanwhile, each as often as it was put in front of


class _Apart:
    """Stands in for a function that changes the warnings of the whole process: on a thread of ours it does nothing."""

    original: Callable[..., Any]

    def __init__(self, instead: Callable[..., Any]) -> None:
        self._instead = instead

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() in _ours:
            return self._instead(*args, **kwargs)
        try:
            return self.original(*args, **kwargs)
        finally:
            with _lock:
                if _ours and not in_front():  # other filters are in force now, or others come first
                    _filters.append(put_in_front())


@contextmanager
def apart() -> Iterator[None]:
    """Run a framework's code beside the user's, with no warning shown and none of the user's lost.

    `warnings.catch_warnings` exchanges the filters of the whole process, and frameworks call it as they save and
    import: a warning of the user's thread would vanish meanwhile, or the filters be left as they were in between.
    So while this lasts it, and what adds filters, do nothing on this thread. About 0.1 milliseconds.
    """
    thread = threading.get_ident()
    if thread in _ours:
        yield
        return
    with _lock:
        if not _ours:
            _apply()
        _ours.add(thread)
    try:
        with hushed():
            yield
    finally:
        with _lock:
            _ours.discard(thread)
            if not _ours:
                _revert()


def _apply() -> None:
    catch: Any = warnings.catch_warnings
    for function, instead in (
        (catch.__enter__, _enter),
        (catch.__exit__, _nothing),
        (getattr(warnings, "_add_filter", None), _nothing),
        (warnings.resetwarnings, _nothing),
    ):
        if not isinstance(function, FunctionType):  # a Python that keeps warnings by context
            continue
        stand_in = _Apart(instead)
        swap = CodeSwap(function, stand_in)
        stand_in.original = swap.original
        swap.apply()
        _swaps.append(swap)


def _revert() -> None:
    while _swaps:
        _swaps.pop().revert()
    # A copy that the user's `catch_warnings` made meanwhile keeps the entry, which matches nothing, until its end.
    for filters in _filters:
        take_out(filters)
    _filters.clear()


def _enter(catch: Any) -> list[Any] | None:
    return [] if getattr(catch, "_record", False) else None


def _nothing(*args: Any, **kwargs: Any) -> None:
    return


def _reset_after_fork() -> None:
    """In a forked child there is no thread of ours."""
    global _lock
    _lock = threading.Lock()
    if _ours:
        _ours.clear()
        _revert()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
