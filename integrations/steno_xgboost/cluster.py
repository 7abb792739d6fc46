"""What is recorded round `xgboost.dask.train`, seen from the client: the workers may be other processes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from steno.contracts.integration import Call
from steno.tracking.deferred import deferred

from steno_xgboost import importances, keeping, params, stopping
from steno_xgboost.ranks import client_tells
from steno_xgboost.rounds import Rounds


def train(call: Call) -> Generator[None, Any, None]:
    """Record a training on a cluster once it is over; data that lies there is not looked at."""
    given = call.arguments
    call.run.log_params(params.of_booster(given.get("params")))
    call.run.log_params(params.of_call(given, params.TRAIN))
    with client_tells(), deferred.training():
        result = yield
    if not isinstance(result, Mapping):
        return  # an asynchronous client gives a promise
    booster = result["booster"]
    rounds = Rounds(call.run, call.options.every_n_steps)
    rounds.take(result["history"])
    call.run.log_metric("num_boosted_rounds", float(booster.num_boosted_rounds()))
    if stopping.took_part(given):
        stopping.record(call.run, rounds, booster.best_iteration, booster.best_score)
    importances.record(call, booster)
    keeping.keep(call, booster, None)
