"""The user's frames that led here, and what their variables hold."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Iterator
from itertools import islice
from types import CodeType, FrameType
from typing import Any

NOT_THE_USER = frozenset(
    """steno steno_torch torch torchgen contextlib threading concurrent functools asyncio multiprocessing runpy
    lightning lightning_fabric pytorch_lightning accelerate""".split()
)
_MOST_FRAMES = 40
_MOST_NAMES = 5000
# Python before 3.13 has one dictionary for all who ask for a function's variables: such a function may hold it.
_LOOKS_AT_ITSELF = frozenset({"locals", "vars", "_getframe", "currentframe"})
_MAY_LOOK = frozenset({"eval", "exec", "dir"})  # unless it is `model.eval()`
_SNAPSHOTS = sys.version_info < (3, 13)


def is_users(frame: FrameType) -> bool:
    """Whether the frame is neither ours nor the framework's."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in NOT_THE_USER


def user_frames() -> Iterator[FrameType]:
    """The user's frames, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_MOST_FRAMES * 4):
        if frame is None:
            return
        if is_users(frame):
            yield frame
        frame = frame.f_back


def variables() -> Iterator[tuple[str, Any]]:
    """(name, value) of what the user's frames can see, innermost first, with the attributes of `self`."""
    seen: set[int] = set()
    for frame in islice(user_frames(), _MOST_FRAMES):
        for name, value in _locals(frame):
            yield name, value
            if name == "self":
                yield from _attributes(value)
        if id(frame.f_globals) not in seen:
            seen.add(id(frame.f_globals))
            yield from list(islice(frame.f_globals.items(), _MOST_NAMES))


def _locals(frame: FrameType) -> list[tuple[str, Any]]:
    code = frame.f_code
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return []  # a module's variables are its globals; a class body has none that matter
    if _SNAPSHOTS and _looks_at_itself(code):
        return []
    found = frame.f_locals
    pairs = list(islice(found.items(), _MOST_NAMES))
    if _SNAPSHOTS:
        found.clear()  # the frame would keep it, and with it a batch and the graph of its loss
    return pairs


def _looks_at_itself(code: CodeType) -> bool:
    names = frozenset(code.co_names)
    if not _LOOKS_AT_ITSELF.isdisjoint(names):
        return True
    return not _MAY_LOOK.isdisjoint(names) and any(
        each.opname == "LOAD_GLOBAL" and each.argval in _MAY_LOOK for each in dis.get_instructions(code)
    )


def _attributes(instance: Any) -> list[tuple[str, Any]]:
    try:
        own = object.__getattribute__(instance, "__dict__")
    except AttributeError:
        return []
    children = own.get("_modules")  # where a module of the user's keeps the modules it is made of
    pairs = [*own.items(), *(children.items() if isinstance(children, dict) else ())]
    return pairs[:_MOST_NAMES]
