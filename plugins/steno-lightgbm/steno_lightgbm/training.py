"""What is recorded round `lightgbm.train`, and round a wrapper's fit, which comes down to it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from steno.autolog import keeping as models
from steno.autolog import provenance
from steno.contracts.integration import Call

from steno_lightgbm import callbacks, data, importances, keeping, params, sampling, stopping, validation
from steno_lightgbm.rounds import Rounds, key_of


def train(call: Call) -> Generator[None, Any, None]:
    """Record a training: every round, its params and data, and the booster.

    Inside another watched call (a wrapper's fit, a pipeline's) it adds its rounds to that run; data and model are the
    outer call's to record.
    """
    if validation.runs_here():
        yield
        return
    given = call.arguments
    rows = _before(call, given)
    rounds = Rounds(call.run, call.options.every_n_steps)
    if _evaluates(given):
        callbacks.put_first(call, rounds)
    try:
        with models.training(), keeping.latest_text() as latest:
            booster = yield
    finally:
        rounds.finish()
        rounds.model = None
    _after(call, booster, rounds.count)
    if call.outermost:
        # Where LightGBM has asked for the text itself, that was the last thing but one that it did.
        known = not given.get("keep_training_booster") and latest and latest[0] is booster
        sample = sampling.sample_of_booster(booster, rows, given.get("params"))
        keeping.keep(call, booster, sample, latest[1] if known else None)


def fit(call: Call) -> Generator[None, Any, None]:
    """Record the fit of a wrapper; the rounds are recorded by the `train` inside."""
    model, given = call.instance, call.arguments
    told = params.of_estimator(model)
    call.run.log_params(told)
    data.log_arrays(call, given)
    rows = sampling.rows_of_array(call, given.get("X"))
    before = params.of_wrapper.set(frozenset(told))
    try:
        with models.training():
            yield
    finally:
        params.of_wrapper.reset(before)
    provenance.remember_trained(model, call.run)
    keeping.keep(call, model, sampling.sample_of_wrapper(model, rows))


def _before(call: Call, given: Mapping[str, Any]) -> Any:
    rows = None
    told = params.of_wrapper.get()
    if call.outermost:
        call.run.log_params(params.of_booster(given.get("params")))
        data.log_datasets(call, given)
        rows = sampling.rows_of_dataset(call, given.get("train_set"))
    elif told is not None:
        call.run.log_params(params.of_booster(given.get("params"), but=told))
    call.run.log_params(params.of_call(given, params.TRAIN))
    return rows


def _after(call: Call, booster: Any, count: int) -> None:
    kept = booster.current_iteration()
    call.run.log_metric("num_boosted_rounds", float(kept))
    scores = booster.best_score.items()
    values = {key_of(data, metric): value for data, metrics in scores for metric, value in metrics.items()}
    stopping.record(call.run, booster.best_iteration, count or kept, values)
    importances.record(call, booster)


def _evaluates(given: Mapping[str, Any]) -> bool:
    """Whether there will be metrics; without, a callback of ours would cost something in each round for nothing."""
    sets = given.get("valid_sets")
    return sets is not None and not (isinstance(sets, list | tuple) and not sets)
