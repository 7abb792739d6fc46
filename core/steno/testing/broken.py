"""An integration whose rows are exchanged for others: broken ones, or ones that look on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import msgspec

from steno.autolog import switch
from steno.contracts.integration import Advice, Patch
from steno.hookspecs import hookimpl
from steno.plugins import plugins

Broken = Callable[[Any], Generator[None, Any, None]]


def _raises_before(call: Any) -> Generator[None, Any, None]:
    raise RuntimeError("broken before")
    yield


def _raises_after(call: Any) -> Generator[None, Any, None]:
    yield
    raise RuntimeError("broken after")


def _does_not_yield(call: Any) -> Generator[None, Any, None]:
    yield from ()


def _yields_twice(call: Any) -> Generator[None, Any, None]:
    yield
    yield


def _exits(call: Any) -> Generator[None, Any, None]:
    raise SystemExit(1)
    yield


BROKEN: dict[str, Advice] = {
    "raises before": _raises_before,
    "raises after": _raises_after,
    "does not yield": _does_not_yield,
    "yields twice": _yields_twice,
    "exits": _exits,
}


def _broken(patch: Patch, advice: Advice) -> Patch:
    if patch.advice:
        return msgspec.structs.replace(patch, advice=advice)
    return msgspec.structs.replace(patch, **{"tap" if patch.tap else "hook": _raises}, contains=False)


def _raises(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("broken")


@contextmanager
def broken(name: str, advice: Advice | None) -> Iterator[list[tuple[str, BaseException]]]:
    """Put one advice in the place of all of an integration's, and list what is contained as (target, error).

    Args:
        name: The integration's name.
        advice: What every row with advice gets, while taps and hooks raise; None leaves them as they are.
    """
    with rewritten(name, lambda patch: _broken(patch, advice) if advice else patch) as failures:
        yield failures


@contextmanager
def rewritten(name: str, rewrite: Callable[[Patch], Patch]) -> Iterator[list[tuple[str, BaseException]]]:
    """Let an integration have other rows, and list what is contained as (target, error).

    Args:
        name: The integration's name.
        rewrite: Makes of each of its rows the one that is put in place.
    """
    failures: list[tuple[str, BaseException]] = []
    watcher = switch.watcher(name)
    add = watcher.add

    def add_rewritten(root: ModuleType | type, patches: Iterable[Patch]) -> None:
        add(root, [rewrite(patch) for patch in patches])

    class Observer:
        @hookimpl
        def steno_integration_failed(self, integration: str, target: str, error: BaseException) -> None:
            if integration == name:
                failures.append((target, error))

    switch.autolog(disable=True)
    watcher.add = add_rewritten  # type: ignore[method-assign]  # rows come by several ways; all pass here
    plugins().register(Observer(), "observer of a test")
    try:
        yield failures
    finally:
        switch.autolog(disable=True)
        del watcher.add
        plugins().unregister("observer of a test")
