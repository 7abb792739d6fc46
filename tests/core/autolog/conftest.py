"""A framework of our own to watch: a real package on disk, imported like any other."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import steno
from steno.autolog import autolog, autolog_one
from steno.contracts.integration import Patch
from steno.hookspecs import hookimpl
from steno.plugins import plugins

SOURCE = '''
import functools


def keywords_only(function):
    """Passes everything by keyword, the instance too, as xgboost does."""
    @functools.wraps(function)
    def inner(*args, **kwargs):
        names = function.__code__.co_varnames if hasattr(inner, "_plain") else ("self", "X", "y")
        return function(**dict(zip(names, args)), **kwargs)
    return inner


class Problem(Exception):
    pass


class Base:
    def __init__(self, depth=3):
        self.depth = depth

    def fit(self, X, y=None, *, callbacks=()):
        """Fit the model."""
        self.calls = getattr(self, "calls", 0) + 1
        for callback in callbacks:
            callback()
        if isinstance(X, BaseException):
            raise X
        if callable(X):
            X(self)
        self.fitted_ = True
        return self

    def score(self, X=None):
        return 0.5


class Tree(Base):
    pass


class Forest(Base):
    pass


class Boosted(Base):
    def fit(self, X, y=None):
        self.rounds, self.y = 7, y
        return super().fit(X, y)


class Search:
    def __init__(self, *inner):
        self.inner = inner

    def fit(self, X, y=None):
        for one in self.inner:
            one.fit(X, y)
        return self


class Decorated:
    @keywords_only
    def fit(self, X, y=None):
        return ("fitted", X, y)


class Kinds:
    @staticmethod
    def static(x):
        return ("static", x)

    @classmethod
    def of_class(cls, x):
        return (cls, x)

    def stream(self):
        yield 1

    async def wait(self):
        return 1


def train(params, callbacks=None, *, rounds=10):
    """Train a model."""
    for callback in callbacks or ():
        callback()
    if callable(params):
        return params()
    return ("model", params, rounds)


def produce():
    yield 1


loads = functools.partial(train)
'''

_numbers = itertools.count()


class Toy:
    """The framework, the integration that watches it, and what its advice saw."""

    def __init__(self, folder: Path) -> None:
        self.name = f"toy{next(_numbers)}"
        self.module_name = f"{self.name}_framework"
        (folder / f"{self.module_name}.py").write_text(SOURCE)
        self.folder = folder
        self.rows: list[Patch] = []
        self.modules: tuple[str, ...] = (self.module_name,)
        self.failures: list[tuple[str, BaseException]] = []
        self.register()

    def register(self, requires: str = "", options: tuple[str, ...] = (), also: tuple[str, ...] = ()) -> None:
        """Offer the integration, as an installed plugin does."""
        holder = ModuleType(f"{self.name}_plugin")
        holder.integration = self  # type: ignore[attr-defined]
        sys.modules[holder.__name__] = holder
        toy = self

        class Plugin:
            @hookimpl
            def steno_register_integrations(self, register: Any) -> None:
                address = f"{holder.__name__}:integration"
                register(toy.name, address, when=toy.module_name, requires=requires, options=options, also=also)

            @hookimpl
            def steno_integration_failed(self, integration: str, target: str, error: BaseException) -> None:
                if integration == toy.name:
                    toy.failures.append((target, error))

        plugins().unregister(self.name)
        assert plugins().register(Plugin(), self.name), plugins().failures

    def patches(self, module: ModuleType) -> list[Patch]:
        return self.rows

    def load(self) -> Any:
        """Import the framework, as the user does."""
        return importlib.import_module(self.module_name)

    def watch(self, *rows: Patch, **options: Any) -> Any:
        """Switch watching on with these rows, then import the framework."""
        self.rows = list(rows)
        autolog_one(self.name, **options)
        return self.load()

    def remove(self) -> None:
        autolog(disable=True)
        plugins().unregister(self.name)
        for name in (self.module_name, f"{self.name}_plugin"):
            sys.modules.pop(name, None)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    toy = Toy(folder)
    yield toy
    toy.remove()


@pytest.fixture
def runs() -> Callable[[], list[Any]]:
    """Read every run of this test's store, oldest first."""

    def read() -> list[Any]:
        steno.flush()
        found = steno.search_runs(output_format="list")
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    return read
