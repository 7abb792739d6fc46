"""Predictions and scores after a training: recorded with the run that trained the model."""

from __future__ import annotations

import sys
from collections.abc import Generator
from itertools import islice
from types import FrameType
from typing import Any

from steno.autolog import provenance
from steno.autolog.describe import describe_data
from steno.contracts.integration import Call

UNKNOWN = "unknown_dataset"
_NOT_THE_USER = frozenset({"steno", "steno_catboost", "catboost", "contextlib", "threading"})
_MOST_NAMES = 5000
_MOST_DATASETS = 20


def predict(call: Call) -> Generator[None, Any, None]:
    """Remember which model made the prediction: a metric that is computed of it belongs to its run."""
    result = yield
    origin = provenance.origin_of(call.instance)
    if origin is not None:
        data = _data(call)
        provenance.remember_prediction(result, origin, data, _name_of(data) or UNKNOWN)


def score(call: Call) -> Generator[None, Any, None]:
    """Record `model.score(X, y)`."""
    result = yield
    origin = provenance.origin_of(call.instance)
    if origin is None:
        return
    data = _data(call)
    name = _name_of(data) or UNKNOWN
    run = origin.run()
    run.log_metric(origin.key(f"{type(call.instance).__name__}_score", name), float(result))
    if call.options.log_datasets and name not in origin.datasets and len(origin.datasets) < _MOST_DATASETS:
        origin.datasets.add(name)
        run.log_input(describe_data(data, context="eval", name=name))


def _data(call: Call) -> Any:
    given = call.arguments
    return given["data"] if "data" in given else given.get("X")


def _name_of(value: Any) -> str | None:
    """Return the variable that holds an object where the user made the call; None if none does."""
    frame = _user_frame()
    if frame is None or value is None:
        return None
    for scope in (frame.f_locals, frame.f_globals):
        for name, held in islice(list(scope.items()), _MOST_NAMES):
            if held is value and not name.startswith("_"):
                return name
    return None


def _user_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] in _NOT_THE_USER:
        frame = frame.f_back
    return frame
