"""What is told of a training before it begins: the arguments of `fit`, the optimizer, the early stopping."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from steno.autolog.params import flatten_params, show
from steno.contracts.integration import Run

from steno_tensorflow.data import batch_size_of
from steno_tensorflow.recorder import left_out

_NOT_PARAMS = frozenset({"x", "y", "callbacks", "validation_data", "verbose"})
_STOPPING = ("monitor", "min_delta", "patience", "baseline", "restore_best_weights")


def fit_params(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the arguments of `fit` as texts; the batch size that Keras takes where none is given."""
    params = {name: show(value) for name, value in arguments.items() if name not in _NOT_PARAMS}
    if arguments.get("batch_size", "") is None:
        params["batch_size"] = show(batch_size_of(arguments.get("x")))
    return params


def log_optimizers(run: Run, model: Any) -> None:
    """Record each optimizer of a model; that of `compile` under MLflow's names, others under their attribute's too.

    MLflow's names differ: `opt_` where TensorFlow trains, `optimizer_` elsewhere.
    """
    prefix = "opt_" if keras.backend.backend() == "tensorflow" else "optimizer_"
    for attribute, optimizer in _optimizers(model):
        try:
            run.log_params(_config(f"{prefix}{attribute}", optimizer))
        except Exception as error:  # advice: an optimizer of the user's may have no config
            left_out(run, f"optimizer {type(optimizer).__name__}", error)


def _optimizers(model: Any) -> Iterator[tuple[str, Any]]:
    main = getattr(model, "optimizer", None)
    if main is not None:
        yield "", main
    for name, value in list(vars(model).items()):
        if isinstance(value, keras.optimizers.Optimizer) and value is not main and not name.startswith("_"):
            yield f"{name}_", value


def _config(prefix: str, optimizer: Any) -> dict[str, str]:
    """Return an optimizer's settings; of a schedule its class, and its settings below it."""
    settings: dict[str, Any] = {}
    for name, value in optimizer.get_config().items():
        if isinstance(value, dict) and "class_name" in value:
            settings[f"{prefix}{name}"] = value["class_name"]
            settings |= flatten_params({f"{prefix}{name}": value.get("config") or {}})
        else:
            settings[f"{prefix}{name}"] = value
    return {name: show(value) for name, value in settings.items()}


def stopping_of(callbacks: list[Any]) -> Any | None:
    """Return the user's `EarlyStopping`, the last if there are several."""
    found = [each for each in callbacks if isinstance(each, keras.callbacks.EarlyStopping)]
    return found[-1] if found else None


def stopping_params(stopping: Any) -> dict[str, str]:
    """Return the settings of an `EarlyStopping`."""
    found = {name: getattr(stopping, name, None) for name in _STOPPING}
    if isinstance(found["min_delta"], int | float):
        found["min_delta"] = abs(found["min_delta"])  # Keras turns its sign round as it trains
    return {name: show(value) for name, value in found.items()}


def log_stopping(run: Run, stopping: Any, history: Mapping[int, Mapping[str, float]]) -> None:
    """Record what an `EarlyStopping` did: where it stopped, the best epoch, and the one whose weights the model has.

    The metrics of a restored epoch are recorded once more, at the step after the last, so that the last values of
    the run are those of the model it keeps. So does MLflow.
    """
    best, best_epoch = _number(getattr(stopping, "best", None)), int(getattr(stopping, "best_epoch", 0) or 0)
    stopped = int(getattr(stopping, "stopped_epoch", 0) or 0)
    found: dict[str, float] = {}
    if best is not None:
        found |= {"best_score": best, "best_epoch": best_epoch}
    if stopped > 0:
        found["stopped_epoch"] = stopped
    restored = getattr(stopping, "restore_best_weights", False) and getattr(stopping, "best_weights", None) is not None
    if restored:
        found["restored_epoch"] = best_epoch
    run.log_metrics(found)
    if restored and best_epoch in history and best_epoch != max(history):
        run.log_metrics(history[best_epoch], step=max(history) + 1)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
