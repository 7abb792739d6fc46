"""What one watched call costs: run `python tests/benchmarks/wrap.py`; times are the least of several blocks.

Each block of calls alternates with a block without steno, so that a slow moment of the machine hits both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Any

from steno.autolog import autolog, autolog_one
from steno.contracts.integration import Patch, Via
from steno.hookspecs import hookimpl
from steno.plugins import plugins

CALLS, BLOCKS = 5_000, 15


def function(x: int, y: int = 2) -> int:
    """Stand for a user's function."""
    return x


def framework() -> ModuleType:
    """Make a framework of three classes that differ in how they are watched."""
    module = ModuleType("bench_framework")

    class ByWrapper:
        def fit(self, x: int, y: int = 2) -> int:
            return x

    class ByCode:
        def fit(self, x: int, y: int = 2) -> int:
            return x

    class Search:
        def fit(self, inner: Callable[[int], int]) -> float:
            return best(lambda: inner(1))

    for cls in (ByWrapper, ByCode, Search):
        cls.__module__, cls.__qualname__ = module.__name__, cls.__name__
        setattr(module, cls.__name__, cls)
    vars(module).update(train=function, hypot=max)
    sys.modules[module.__name__] = module
    return module


def empty(call: Any) -> Generator[None, Any, None]:
    """Record nothing."""
    yield


class BenchIntegration:
    """Watches the framework with empty advice."""

    name = "bench"
    modules = ("bench_framework",)

    def patches(self, module: ModuleType) -> list[Patch]:
        """Return a row for each mechanism."""
        return [
            Patch("ByWrapper.fit", empty, via=Via.WRAPT),
            Patch("ByCode.fit", empty, via=Via.CODE),
            Patch("Search.fit", empty),
            Patch("train", empty),
            Patch("hypot", empty),
        ]


def best(call: Callable[[], Any]) -> float:
    """Return microseconds a call, the call of `call` itself included."""
    found = float("inf")
    for _ in range(BLOCKS):
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        found = min(found, time.perf_counter() - began)
    return found / CALLS * 1e6


def main() -> None:
    """Measure and print."""
    fw = framework()
    holder = ModuleType("bench_plugin")
    holder.integration = BenchIntegration()  # type: ignore[attr-defined]
    sys.modules["bench_plugin"] = holder

    class Plugin:
        @hookimpl
        def steno_register_integrations(self, register: Any) -> None:
            register("bench", "bench_plugin:integration", when="bench_framework")

    plugins().register(Plugin(), "bench")
    wrapped, coded, search = fw.ByWrapper(), fw.ByCode(), fw.Search()
    cases: dict[str, Callable[[], Any]] = {
        "method, wrapper": lambda: wrapped.fit(1),
        "method, code swap": lambda: coded.fit(1),
        "function, code swap": lambda: fw.train(1),
        "C function, wrapper": lambda: fw.hypot(1, 2),
    }
    plain = {name: best(call) for name, call in cases.items()}
    began = time.perf_counter()
    autolog_one("bench")
    print(f"switched on in {(time.perf_counter() - began) * 1e3:.1f} ms")
    on = {name: best(call) for name, call in cases.items()}
    inside = {"method, wrapper": search.fit(wrapped.fit), "method, code swap": search.fit(coded.fit)}
    kept = {"method, wrapper": wrapped.fit}
    autolog(disable=True)
    bound = kept["method, wrapper"]
    off = {name: best(call) for name, call in cases.items()}
    print(f"{'added microseconds a call':28}{'on':>8}{'nested':>8}{'off':>8}")
    for name, before in plain.items():
        nested = f"{inside[name] - before:8.2f}" if name in inside else " " * 8
        print(f"{name:28}{on[name] - before:8.2f}{nested}{off[name] - before:8.2f}")
    print(f"a bound method kept from while it was on adds {best(lambda: bound(1)) - plain['method, wrapper']:.2f}")


if __name__ == "__main__":
    main()
