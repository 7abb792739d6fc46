"""Tells a recorder of a profiled trainer's moments: as a callback it would stand in the profiler's report."""

from __future__ import annotations

import sys
from typing import Any

from steno.autolog import watch
from steno.contracts.integration import Patch, Via

_CALL = "_call_callback_hooks"
_HOOKS = frozenset(
    """setup on_train_start on_train_epoch_start on_train_batch_start on_train_epoch_end on_train_end
    on_validation_start on_validation_end on_exception on_fit_end""".split()
)
_recorders: dict[int, Any] = {}
_watched: set[str] = set()


def is_profiled(trainer: Any) -> bool:
    """Whether the user looks at where the time goes."""
    return type(trainer.profiler).__name__ != "PassThroughProfiler"


def begin(trainer: Any, recorder: Any) -> bool:
    """Tell a recorder from now on; False if this Lightning has no such place. Processes it starts do not tell."""
    module = sys.modules.get(f"{type(trainer.fit_loop).__module__.partition('.loops.')[0]}.trainer.call")
    if not hasattr(module, _CALL):
        return False
    assert module is not None
    if module.__name__ not in _watched:
        # Only here, since every hook of every batch passes there.
        watch(
            "lightning",
            module,
            [Patch(_CALL, tap=_tell, joins=True, via=Via.CODE, captures="epochs of a profiled fit")],
        )
        _watched.add(module.__name__)
    _recorders[id(trainer)] = recorder
    return True


def end(trainer: Any) -> None:
    """Tell no more."""
    _recorders.pop(id(trainer), None)


def forget(package: str) -> None:
    """The row of a package is gone: watching was switched off in between."""
    _watched.difference_update([name for name in _watched if name.startswith(f"{package}.")])


def _tell(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    trainer, hook, *rest = args
    recorder = _recorders.get(id(trainer))
    # The epoch's end is told to two kinds of callbacks, one after the other.
    if recorder is not None and hook in _HOOKS and kwargs.get("monitoring_callbacks") is not True:
        getattr(recorder, hook)(trainer, trainer.lightning_module, *rest, **_given(kwargs))


def _given(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if key != "monitoring_callbacks"}
