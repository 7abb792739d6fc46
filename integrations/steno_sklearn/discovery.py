"""Keeps scikit-learn's search for its estimators, which skops makes as it is imported, to scikit-learn itself."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

_ELSEWHERE = (".externals", ".tests")


@contextmanager
def of_estimators_alone() -> Iterator[None]:
    """Let `all_estimators` pass over tests and bundled packages while the body runs; what it finds is the same.

    It imports every package below `sklearn` only to leave some out afterwards, and the bundled `array_api_compat`
    imports PyTorch, CuPy and dask where they are installed: seconds, and hundreds of megabytes.
    """
    from sklearn.utils import discovery

    if getattr(discovery, "pkgutil", None) is not pkgutil:  # it looks in another way now
        yield
        return
    discovery.pkgutil = SimpleNamespace(walk_packages=_walk)
    try:
        yield
    finally:
        discovery.pkgutil = pkgutil


def _walk(path: Any = None, prefix: str = "") -> Iterator[pkgutil.ModuleInfo]:
    for info in pkgutil.iter_modules(path, prefix):
        if info.name.endswith(_ELSEWHERE):
            continue
        yield info
        if info.ispkg and "._" not in info.name:
            package = __import__(info.name, fromlist=["__path__"])
            yield from _walk(package.__path__, f"{info.name}.")
