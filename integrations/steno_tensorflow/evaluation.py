"""What is recorded round `Model.evaluate`: with the run that trained the model, where no other is active."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import keras
from steno.autolog import contained, provenance
from steno.autolog.provenance import Origin
from steno.contracts.integration import Call, Run
from steno.tracking import context

from steno_tensorflow.attach import attached
from steno_tensorflow.data import describe
from steno_tensorflow.recorder import left_out, numbers

PREFIX = "evaluate_"
_MOST_DATASETS = 20


@contained
class _Observer(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Keeps what the evaluation ends with: by name, which the list that `evaluate` returns does not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, Any] = {}

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Keep the values."""
        self.logs = dict(logs or {})


def evaluate(call: Call) -> Generator[None, Any, None]:
    """Record one evaluation; the step counts those of a run."""
    model, arguments = call.instance, call.arguments
    origin = _origin(call)
    observer = _Observer()
    with attached(call, observer) as looking:
        result = yield
    logs = observer.logs if looking else _by_name(result)
    run: Run = origin.run() if origin is not None else call.run
    step = origin.calls.get(PREFIX, 0) if origin is not None else 0
    run.log_metrics({f"{PREFIX}{name}": value for name, value in numbers(run, logs).items()}, step=step)
    if origin is not None:
        origin.calls[PREFIX] = step + 1
        provenance.remember_model(model, origin) if provenance.origin_of(model) is None else None
        if call.options.log_datasets and arguments.get("x") is not None and len(origin.datasets) < _MOST_DATASETS:
            _describe(run, origin, arguments)


def _origin(call: Call) -> Origin | None:
    """Return what is known of the run to write to: the active one, the one that trained the model, or a new one."""
    if context.active_run() is None:
        known = provenance.origin_of(call.instance)
        if known is not None:
            return known
    active = getattr(call.run, "active", None)
    if active is None:  # no run could be opened
        return None
    origin = provenance.origin_of(active)
    if origin is None:
        origin = Origin(active)
        provenance.remember_model(active, origin)
    return origin


def _describe(run: Run, origin: Origin, arguments: Mapping[str, Any]) -> None:
    """Record the data once, also where it is evaluated again and again."""
    try:
        dataset = describe(arguments["x"], arguments.get("y"), "eval")
    except Exception as error:  # advice: data of a strange make
        left_out(run, "dataset eval", error)
        return
    if dataset.dataset.digest not in origin.datasets:
        origin.datasets.add(dataset.dataset.digest)
        run.log_input(dataset)


def _by_name(result: Any) -> Mapping[str, Any]:
    if isinstance(result, Mapping):
        return result
    return {"loss": result} if isinstance(result, float | int) else {}
