"""Metrics that the user computes after a training: recorded with the run that trained the model."""

from __future__ import annotations

import json
from collections.abc import Generator
from types import FrameType
from typing import Any

import numpy as np
from steno.autolog import provenance
from steno.autolog.describe import describe_data
from steno.autolog.provenance import Origin
from steno.contracts.integration import Call
from steno.tracking import context

from steno_sklearn import callsite
from steno_sklearn.data import Data

METRIC_INFO = "metric_info.json"
_MOST_DATASETS = 20
_MOST_METRICS = 1000


def predict(call: Call) -> Generator[None, Any, None]:
    """Remember which model made the prediction, and of which data."""
    result = yield
    origin = provenance.origin_of(call.instance)
    if origin is None or not _wanted(call):
        return
    data = Data.of(call.arguments)
    X = data.X if data is not None else None
    name = callsite.name_of(X, callsite.user_frame()) or callsite.UNKNOWN
    provenance.remember_prediction(result, origin, X, name)


def score(call: Call) -> Generator[None, Any, None]:
    """Record `model.score(X, y)` with the run that trained the model."""
    result = yield
    origin = provenance.origin_of(call.instance)
    if origin is None or not _wanted(call) or not _is_number(result):
        return
    frame = callsite.user_frame()
    data = Data.of(call.arguments)
    X = data.X if data is not None else None
    name = callsite.name_of(X, frame) or callsite.UNKNOWN
    _record(call, origin, f"{type(call.instance).__name__}_score", name, float(result), frame)
    _describe(call, origin, X, name)


def metric(call: Call) -> Generator[None, Any, None]:
    """Record a function of `sklearn.metrics`: with the prediction's run, else the active one, else nowhere."""
    result = yield
    if not _is_number(result) or not _wanted(call):
        return
    given = (*call.args, *call.kwargs.values())
    frame = callsite.user_frame()
    known = next(filter(None, map(provenance.prediction_in, given)), None)
    name = call.target.rpartition(".")[2]
    if known is not None:
        dataset = known.dataset or callsite.name_of(given[0], frame) or callsite.UNKNOWN
        _record(call, known.origin, name, dataset, float(result), frame)
        _describe(call, known.origin, known.data() if known.data is not None else None, dataset)
        return
    active = context.active_run()
    if active is not None and given:
        dataset = callsite.name_of(given[0], frame) or callsite.UNKNOWN
        _record(call, _origin_in(active), name, dataset, float(result), frame)


def _origin_in(active: Any) -> Origin:
    origin = provenance.origin_of(active)
    if origin is None:
        origin = Origin(active)
        provenance.remember_model(active, origin)
    return origin


def _wanted(call: Call) -> bool:
    return bool(call.options.extra.get("log_post_training_metrics", True))


def _is_number(result: Any) -> bool:
    return isinstance(result, int | float | np.number) and not isinstance(result, bool | np.complexfloating)


def _record(call: Call, origin: Origin, metric: str, dataset: str, value: float, frame: FrameType | None) -> None:
    if len(origin.expressions) >= _MOST_METRICS:  # a loop over thresholds, say: the series of names must end
        return
    key = origin.key(metric, dataset)
    origin.expressions[key] = callsite.expression(frame)
    run = origin.run()
    run.log_metric(key, value)
    run.log_file(METRIC_INFO, json.dumps(origin.expressions, indent=2).encode())


def _describe(call: Call, origin: Origin, data: Any, name: str) -> None:
    """Record data that a metric is about, once."""
    if data is None or not call.options.log_datasets or name in origin.datasets:
        return
    if len(origin.datasets) < _MOST_DATASETS:
        origin.datasets.add(name)
        origin.run().log_input(describe_data(data, context="eval", name=name))
