"""Training by `partial_fit`: one run from the second call on, each call a step."""

from __future__ import annotations

import weakref
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from steno.autolog.contained_run import ContainedRun
from steno.autolog.describe import describe_data
from steno.autolog.quiet import quiet
from steno.contracts.integration import Call
from steno.records import Tags
from steno.tracking import context, experiments
from steno.tracking import run as tracking
from steno.tracking.deferred import deferred

from steno_sklearn import metrics, provenance
from steno_sklearn.data import Data
from steno_sklearn.metrics import PREFIX
from steno_sklearn.params import params_of, tags_of

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

_FLOOR_S = 0.005
_SHARE = 0.01


class _Stepping:
    """How far an estimator has come.

    Attributes:
        calls: How often `partial_fit` was called.
        samples: How many samples it has seen.
        seconds: What the calls took, `spent` what recording them did.
    """

    __slots__ = ("calls", "run", "samples", "seconds", "spent")

    def __init__(self) -> None:
        self.calls = self.samples = 0
        self.seconds = self.spent = 0.0
        self.run: ContainedRun | None = None


_steppings: dict[int, tuple[weakref.ref[Any], _Stepping]] = {}


def partial_fit(call: Call) -> Generator[None, Any, None]:
    """Count the call, and record it if it is not the estimator's first: a single one is no training loop."""
    data = Data.of(call.arguments)
    yield
    stepping = _stepping_of(call.instance)
    if stepping is None:
        return
    stepping.calls += 1
    stepping.samples += data.rows if data is not None else 0
    stepping.seconds += call.seconds
    if stepping.calls < 2:
        return
    if stepping.run is None or stepping.run.active.ended:
        stepping.run = _open(call, data)
    step = stepping.calls
    stepping.run.log_metric("samples_seen", float(stepping.samples), step)
    allowed_s = _FLOOR_S + _SHARE * stepping.seconds - stepping.spent
    if data is not None and allowed_s > 0 and call.options.training_metrics is not False:
        _score(stepping, call, data, allowed_s, step)


def _score(stepping: _Stepping, call: Call, data: Data, allowed_s: float, step: int) -> None:
    """Score the batch; its time counts against all calls, since a loop has many of them."""
    assert stepping.run is not None
    before_ms = call.budget.remaining_ms()
    try:
        with quiet():
            found = metrics.evaluate(call.instance, data, allowed_s * 1000.0, call.options.extra.get("pos_label"))
    except Exception:  # advice: a model that cannot predict its batch has no training metrics
        return
    finally:
        stepping.spent += (before_ms - call.budget.remaining_ms()) / 1000.0
    stepping.run.log_metrics({f"{PREFIX}{name}": value for name, value in found.values.items()}, step)


def _open(call: Call, data: Data | None) -> ContainedRun:
    """Use the user's run, or begin one that ends with the estimator or the process."""
    active = context.active_run()
    if active is None:
        tags = {**call.options.extra_tags, Tags.AUTOLOGGING: "sklearn"}
        name = type(call.instance).__name__
        active = tracking.open_run(run_name=name, tags=tags, experiment_id=experiments.active_experiment_id())
        weakref.finalize(call.instance, _end_later, active).atexit = False
    run = ContainedRun(active)
    run.set_tags(tags_of(call.instance))
    run.log_params(params_of(call.instance))
    if data is not None and call.options.log_datasets:
        run.log_input(describe_data(data.X, data.y, context="train"))
    provenance.remember_model(call.instance, provenance.Origin(active))
    return run


def _end_later(active: ActiveRun) -> None:
    # By the other thread: the garbage collector may call this inside any lock.
    deferred.submit(active, lambda handle: active.end())


def _stepping_of(model: Any) -> _Stepping | None:
    key = id(model)
    found = _steppings.get(key)
    if found is None:
        try:
            reference = weakref.ref(model, lambda gone: _steppings.pop(key, None))
        except TypeError:  # a class whose slots have no room for it
            return None
        found = _steppings.setdefault(key, (reference, _Stepping()))
    return found[1]


def forget(model: Any) -> None:
    """Begin anew: the estimator is being fitted as a whole."""
    found = _steppings.pop(id(model), None)
    if found is not None and found[1].run is not None and found[1].run.active is not context.active_run():
        found[1].run.active.end()
