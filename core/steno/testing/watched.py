"""What can be seen from outside of a process, and of the functions that an integration watches."""

from __future__ import annotations

import gc
import inspect
import locale
import logging
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from steno.autolog import patching, switch
from steno.testing.surface import INTERPRETERS

_ADVICE = os.path.join("steno", "autolog", "advice.py")


class Target:
    """One watched function.

    Attributes:
        owner: The class or module it is found on.
        name: Its name there.
        function: The user's function, below everything of ours.
    """

    def __init__(self, owner: type | ModuleType, name: str, function: Callable[..., Any]) -> None:
        self.owner, self.name, self.function = owner, name, function

    def looks(self) -> tuple[Any, ...]:
        """How it looks to a reader."""
        found = self._found()
        return str(inspect.signature(found)), found.__qualname__, found.__module__, found.__doc__

    def pickled(self) -> bytes | None:
        """Its pickle; None where it has none, as a function has that cannot be found under its name."""
        try:
            return pickle.dumps(self._found())
        except (pickle.PicklingError, AttributeError, TypeError):
            return None

    def _found(self) -> Any:
        found = getattr(self.owner, self.name)
        return found.fget if isinstance(found, property) else found


def targets(name: str) -> list[Target]:
    """Return what an integration that is on watches now."""
    applied = switch.watcher(name).applied
    return [Target(row.root, row.name, row.function) for row in applied if isinstance(row, patching.Applied)]


def packages(name: str) -> frozenset[str]:
    """Return the packages that an integration that is on watches: where its targets and their functions live."""
    found = {module.partition(".")[0] for module in getattr(switch.watcher(name).integration, "modules", ())}
    for target in targets(name):
        owner = target.owner
        home = owner.__module__ if isinstance(owner, type) else owner.__name__
        found |= {home.partition(".")[0], str(getattr(target.function, "__module__", "")).partition(".")[0]}
    return frozenset(found - {"", "builtins"} - {__name__.partition(".")[0]})


def calls_of_users(functions: Iterable[Callable[..., Any]], train: Callable[[], Any]) -> Counter[str]:
    """Count the calls of functions while training, by name; this thread's only.

    Advice may call others of them, a metric say, and those are left out. The one that comes first, the
    training, is nobody's to call but the user's.
    """
    # A decorator's code is shared by all that it decorates.
    inner = (inspect.unwrap(f) for f in functions)
    codes: dict[CodeType, str] = {f.__code__: f.__qualname__ for f in inner if isinstance(f, FunctionType)}
    seen: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or frame.f_code not in codes:
            return
        name = codes[frame.f_code]
        if name == next(iter(seen), name) or not _by_advice(frame):
            seen[name] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        train()
    finally:
        sys.setprofile(before)
    return seen


def _by_advice(frame: FrameType) -> bool:
    # Core stands twice in the stack of what advice calls: as `watch`, and as what resumes the generator.
    caller = frame.f_back
    while caller is not None:
        if caller.f_code.co_filename.endswith(_ADVICE) and caller.f_code.co_name != "watch":
            return True
        caller = caller.f_back
    return False


def traceback_lines(error: BaseException) -> list[tuple[str, int | None, str]]:
    """Return file, line and function of each frame below the suite's own."""
    frames = traceback.extract_tb(error.__traceback__)
    return [(frame.filename, frame.lineno, frame.name) for frame in frames[1:]]


def world(train: Callable[[], Any]) -> dict[str, Any]:
    """Train from fixed seeds, and return everything global that a training might change."""
    random.seed(0)
    numpy = sys.modules.get("numpy")
    torch = sys.modules.get("torch")
    if numpy is not None:
        numpy.random.seed(0)
    if torch is not None:
        torch.manual_seed(0)
    train()
    root, ours = logging.root, logging.getLogger("steno.autolog")
    return {
        "random": random.getstate(),
        "numpy": str(numpy.random.get_state()) if numpy is not None else None,
        "floats": numpy.geterr() if numpy is not None else None,
        "torch": _of_torch(torch) if torch is not None else None,
        "warnings": [entry[:1] + entry[2:3] for entry in warnings.filters],
        "showwarning": warnings.showwarning,
        "logging": (
            root.level,
            root.manager.disable,
            *(list(each.handlers) for each in (root, ours.parent, ours) if each),
        ),
        "figures": _figures(),
        "folder": os.getcwd(),
        "environment": subprocess.run(["env"], capture_output=True, check=True).stdout,  # as a child meets it
        "hooks": (sys.excepthook, threading.excepthook, sys.gettrace(), sys.stdout, sys.stderr),
        "interpreter": (list(sys.path), sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled()),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "locale": locale.setlocale(locale.LC_ALL),
        "mask": _mask(),
    }


def _of_torch(torch: Any) -> tuple[Any, ...]:
    chosen = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled())
    return torch.get_rng_state().tolist(), torch.get_num_threads(), *chosen


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return list(pyplot.get_fignums()) if pyplot is not None else []


def looks(owners: Iterable[type | ModuleType]) -> list[dict[str, Any]]:
    """Return, for each owner, the identity of every attribute and of the code below it."""
    return [
        {name: _identity(value) for name, value in vars(owner).items() if name not in INTERPRETERS} for owner in owners
    ]


def _identity(value: Any) -> tuple[Any, ...]:
    function = inspect.unwrap(getattr(value, "__func__", value)) if callable(value) else value
    if isinstance(function, FunctionType):
        return id(value), id(function), id(function.__code__), tuple(vars(function))
    return (id(value),)
