"""What is recorded round `xgboost.train`, and round a wrapper's fit, which comes down to it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from steno.autolog import provenance
from steno.autolog.keeping import Sample
from steno.autolog.quiet import quiet
from steno.contracts.integration import Call
from steno.tracking.deferred import deferred

from steno_xgboost import callbacks, data, importances, keeping, params, sampling, stopping, validation
from steno_xgboost.ranks import tells_here
from steno_xgboost.rounds import Rounds


def train(call: Call) -> Generator[None, Any, None]:
    """Record a training: every round, its params and data, and the booster.

    Inside another watched call (a wrapper's fit, a pipeline's) it adds its rounds to that run; params, data and
    model are the outer call's to record.
    """
    if not tells_here() or validation.runs_here():
        yield
        return
    given = call.arguments
    if call.outermost:
        call.run.log_params(params.of_booster(given.get("params")))
        data.log_matrices(call, given)
    call.run.log_params(params.of_call(given, params.TRAIN))
    rounds = Rounds(
        call.run, call.options.every_n_steps, goes_on=_goes_on(given), one_by_one=given.get("custom_metric") is not None
    )
    callbacks.put_first(call, rounds)
    try:
        with deferred.training():
            booster = yield
    finally:
        rounds.finish()
    _after(call, given, rounds, booster)


def fit(call: Call) -> Generator[None, Any, None]:
    """Record the fit of a wrapper; the rounds are recorded by the `train` inside."""
    if not tells_here():
        yield
        return
    model, given = call.instance, call.arguments
    call.run.log_params(params.of_estimator(model))
    data.log_arrays(call, given)
    with deferred.training():
        yield
    active = getattr(call.run, "active", None)
    if active is not None:
        provenance.remember_model(model, provenance.Origin(active))
    keeping.keep(call, model, _sample_of_fit(call, model, given))


def _after(call: Call, given: Mapping[str, Any], rounds: Rounds, booster: Any) -> None:
    call.run.log_metric("num_boosted_rounds", float(booster.num_boosted_rounds()))
    if stopping.took_part(given):
        stopping.record(call.run, rounds, booster.best_iteration, booster.best_score)
    importances.record(call, booster)
    if call.outermost:
        sample = None
        if call.options.log_models and _wants_sample(call):
            sample = _sample_of_train(booster, given)
        keeping.keep(call, booster, sample)


def _wants_sample(call: Call) -> bool:
    return call.options.log_model_signatures or call.options.log_input_examples


def _sample_of_train(booster: Any, given: Mapping[str, Any]) -> Sample | None:
    try:
        return sampling.sample_of(booster, given["dtrain"], on_device=data.is_on_device(given.get("params")))
    except Exception:  # advice: a model is kept without its signature rather than not at all
        return None


def _sample_of_fit(call: Call, model: Any, given: Mapping[str, Any]) -> Sample | None:
    if not (call.options.log_models and _wants_sample(call)):
        return None
    try:
        rows = sampling.head(given["X"])
        if data.is_on_device({"device": model.device}):
            return Sample(rows)
        with quiet():
            return Sample(rows, model.predict(rows))
    except Exception:  # advice: a model is kept without its signature rather than not at all
        return None


def _goes_on(given: Mapping[str, Any]) -> bool:
    """Whether rounds are added to a model; with `process_type=update` its own are gone through anew, from the first."""
    chosen = given.get("params")
    updates = isinstance(chosen, Mapping) and chosen.get("process_type") == "update"
    return given.get("xgb_model") is not None and not updates
