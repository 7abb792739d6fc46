"""What every test of hostile models has: the canary that must not appear, a watch on the interpreter, sound models."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from steno.plugins import plugins

from .disguises import CANARY, all_disguises
from .folders import sound

# What a loader that runs a stranger's code cannot do without: the interpreter itself tells of each.
_TELLING = ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")
_seen: list[tuple[str, Any]] | None = None


def _hook(event: str, arguments: Any) -> None:
    if _seen is not None and event in _TELLING:
        _seen.append((event, arguments[:2]))


sys.addaudithook(_hook)


@contextmanager
def told() -> Iterator[list[tuple[str, Any]]]:
    """Collect what the interpreter says of pickles, processes and connections meanwhile."""
    global _seen
    before, _seen = _seen, []
    try:
        yield _seen
    finally:
        _seen = before


@pytest.fixture(autouse=True)
def canary(tmp_path: Path, alone: None) -> Iterator[Path]:
    """The folder that every attack tries to make; tests run in `tmp_path`. Tests that show one work take it away."""
    yield tmp_path / CANARY
    assert not (tmp_path / CANARY).exists()


@pytest.fixture(scope="session")
def separate(root: Path) -> Iterator[None]:
    """The flavors that ship as distributions of their own, which need not be installed here."""
    registered = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("lightgbm", "catboost"):
            sys.path.append(str(root / "plugins" / f"steno-{name}"))
            if plugins().flavors.find_one(name) is None:
                assert plugins().register(import_module(f"steno_{name}"), name)
                registered.append(name)
    yield
    for name in registered:
        plugins().unregister(name)
    sys.path[:] = [place for place in sys.path if not place.endswith(("steno-lightgbm", "steno-catboost"))]


@pytest.fixture(scope="session")
def models(separate: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one sound model of every flavor, by name; copy what you change."""
    return sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="session")
def disguises() -> dict[str, bytes]:
    """Every disguise of a pickle, by name."""
    return all_disguises()
