"""Which run trained a model, and which model made a prediction: so that later metrics find their run."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from steno.autolog.contained_run import ContainedRun

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun


class Origin:
    """A run that trained a model, and what has been recorded of the model since.

    Attributes:
        active: The run; it may have ended.
        calls: How often each metric was recorded.
        expressions: The user's calls by metric key.
        datasets: Names of data that was described already.
    """

    def __init__(self, active: ActiveRun) -> None:
        self.active = active
        self.calls: dict[str, int] = {}
        self.expressions: dict[str, str] = {}
        self.datasets: set[str] = set()

    def key(self, metric: str, dataset: str) -> str:
        """Return the key for one more value of a metric: the first call has no number."""
        count = self.calls[metric] = self.calls.get(metric, 0) + 1
        return f"{metric}_{dataset}" if count == 1 else f"{metric}-{count}_{dataset}"

    def run(self) -> ContainedRun:
        """Return what to write to, now."""
        return ContainedRun(_latest.handle_of(self.active) if self.active.ended else self.active)


class Prediction:
    """An array that a model made: of which data, and under which name the user holds that."""

    __slots__ = ("array", "data", "dataset", "origin")

    def __init__(self, array: weakref.ref[Any], origin: Origin, data: Any, dataset: str) -> None:
        self.array = array
        self.origin = origin
        self.data = _reference(data)
        self.dataset = dataset


class _Latest:
    """The handle on the ended run that was written to last: making one for each metric would cost more than it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: ActiveRun | None = None
        self._at_exit = False

    def handle_of(self, ended: ActiveRun) -> ActiveRun:
        with self._lock:
            if self._handle is None or self._handle.run_id != ended.run_id:
                self._release()
                self._handle = ended.further()
                self._release_at_exit()
            return self._handle

    def after_fork(self) -> None:
        """In a forked child: the handle is the parent's, and so is the thread that may hold the lock."""
        self._lock = threading.Lock()
        self._handle = None

    def release(self) -> None:
        """Let the handle go; what was written goes on its way."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.release()

    def _release_at_exit(self) -> None:
        if not self._at_exit:
            self._at_exit = True
            atexit.register(self.release)


_latest = _Latest()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_latest.after_fork)
_models: dict[int, tuple[weakref.ref[Any], Origin]] = {}
_predictions: dict[int, Prediction] = {}


def remember_model(model: Any, origin: Origin) -> None:
    """Know from now on which run trained this model; a later training replaces it."""
    key = id(model)
    pop = _models.pop  # at the end of the interpreter this module has no names left
    reference = _reference(model, lambda gone: pop(key, None))
    if reference is not None:
        _models[key] = (reference, origin)


def remember_trained(model: Any, run: Any) -> None:
    """Let metrics that are computed of this model later find the run of the call that trained it."""
    active = getattr(run, "active", None)
    if active is not None:  # a run could be opened
        remember_model(model, Origin(active))


def origin_of(model: Any) -> Origin | None:
    """Return the run that trained a model, None if none did here."""
    found = _models.get(id(model))
    return found[1] if found is not None and found[0]() is model else None


def remember_prediction(array: Any, origin: Origin, data: Any = None, dataset: str = "") -> None:
    """Know from now on who made this array, for as long as it lives."""
    # Of a transposed or reshaped array, views are views of what it was made from.
    whole = getattr(array, "base", None)
    for each in (array, whole if getattr(whole, "size", 0) == getattr(array, "size", -1) else None):
        _remember_array(each, origin, data, dataset)


def _remember_array(array: Any, origin: Origin, data: Any, dataset: str) -> None:
    key = id(array)
    pop = _predictions.pop
    reference = _reference(array, lambda gone: pop(key, None))
    if reference is not None:
        _predictions[key] = Prediction(reference, origin, data, dataset)


def prediction_in(value: Any) -> Prediction | None:
    """Return what is known of an array, or of the one it is a view of."""
    for _ in range(4):
        found = _predictions.get(id(value))
        if found is not None and found.array() is value:
            return found
        value = getattr(value, "base", None)
        if value is None:
            return None
    return None


def forget() -> None:
    """Know nothing more, and let the last run go."""
    _models.clear()
    _predictions.clear()
    _latest.release()


def _reference(value: Any, callback: Any = None) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value, callback) if value is not None else None
    except TypeError:  # a list, or a class whose slots have no room for it
        return None
