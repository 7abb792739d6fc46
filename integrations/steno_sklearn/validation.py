"""Cross-validation and its kin: one run with every fold's scores and times."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np
from steno.autolog import provenance
from steno.autolog.describe import describe_data
from steno.autolog.params import show
from steno.contracts.integration import Call

from steno_sklearn.data import Data
from steno_sklearn.params import params_of, tags_of

_scoring: ContextVar[bool] = ContextVar("steno_sklearn_cross_val_score", default=False)
_SETTINGS = ("cv", "scoring", "param_name", "param_range", "train_sizes", "n_permutations", "method")


def cross_validate(call: Call) -> Generator[None, Any, None]:
    """Record each fold's scores and times."""
    _before(call)
    result = yield
    # Inside a fit of the user's own it belongs to that fit, as anything there.
    if call.outermost or _scoring.get():
        _add_folds(call, result)


def cross_val_score(call: Call) -> Generator[None, Any, None]:
    """Record what is validated; the `cross_validate` inside, which does the work, records the folds."""
    _before(call)
    before = _scoring.set(call.outermost)
    try:
        yield
    finally:
        _scoring.reset(before)


def cross_val_predict(call: Call) -> Generator[None, Any, None]:
    """Let the metrics of these predictions find their run."""
    data = _before(call)
    result = yield
    active = getattr(call.run, "active", None)
    if active is not None:
        X = data.X if data is not None else None
        provenance.remember_prediction(result, provenance.Origin(active), X)


def learning_curve(call: Call) -> Generator[None, Any, None]:
    """Record scores by number of training samples."""
    _before(call)
    sizes, *columns = yield
    names = ("train_score", "test_score", "fit_time", "score_time")
    for name, rows in zip(names, columns, strict=False):
        _add_rows(call, name, rows, [int(size) for size in sizes])


def validation_curve(call: Call) -> Generator[None, Any, None]:
    """Record scores by value of a param; the step is the value's place in `param_range`."""
    _before(call)
    columns = yield
    for name, rows in zip(("train_score", "test_score"), columns, strict=True):
        _add_rows(call, name, rows, list(range(len(rows))))


def permutation_test_score(call: Call) -> Generator[None, Any, None]:
    """Record the score, those of the permuted targets, and how likely it is by chance."""
    _before(call)
    score, permuted, pvalue = yield
    call.run.log_metrics({"score": float(score), "pvalue": float(pvalue)})
    for step, value in enumerate(permuted):
        call.run.log_metric("permutation_score", float(value), step)


def _before(call: Call) -> Data | None:
    arguments = call.arguments
    data = Data.of(arguments)
    if not call.outermost:
        return data
    estimator = arguments.get("estimator")
    call.run.set_tags(tags_of(estimator))
    call.run.log_params(params_of(estimator))
    function = call.target.rpartition(".")[2]
    given = {name: arguments[name] for name in _SETTINGS if arguments.get(name) is not None}
    call.run.log_params({f"{function}__{name}": show(value) for name, value in given.items()})
    if data is not None and call.options.log_datasets:
        call.run.log_input(describe_data(data.X, data.y, context="train"))
    return data


def _add_folds(call: Call, columns: Mapping[str, Any]) -> None:
    """Record each column as a series over the folds, with its mean and spread."""
    numeric = {name: np.asarray(values) for name, values in columns.items()}
    numeric = {name: values for name, values in numeric.items() if values.ndim == 1 and values.dtype.kind in "biuf"}
    for step in range(max((len(values) for values in numeric.values()), default=0)):
        call.run.log_metrics({name: float(values[step]) for name, values in numeric.items()}, step)
    for name, values in numeric.items():
        call.run.log_metrics({f"mean_{name}": float(values.mean()), f"std_{name}": float(values.std())})


def _add_rows(call: Call, name: str, rows: Any, steps: list[int]) -> None:
    """Record a table of one row per step and one column per fold."""
    for step, row in zip(steps, rows, strict=True):
        values = np.asarray(row, dtype=np.float64)
        folds = {f"split{index}_{name}": float(value) for index, value in enumerate(values)}
        summary = {f"mean_{name}": float(values.mean()), f"std_{name}": float(values.std())}
        call.run.log_metrics({**folds, **summary}, step)
