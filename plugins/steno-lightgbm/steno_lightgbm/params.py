"""What was chosen for a training: the booster's params, the call's arguments, the wrapper's attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from steno.autolog.params import flatten_params, show

TRAIN = ("num_boost_round", "keep_training_booster", "feval")
CV = ("num_boost_round", "nfold", "stratified", "shuffle", "metrics", "feval", "seed", "fpreproc", "eval_train_metric")
ALWAYS = ("num_boost_round", "keep_training_booster", "nfold", "stratified", "shuffle", "seed", "eval_train_metric")
# Where a wrapper that was not told says None, LightGBM chooses by the labels.
CHOSEN_LATER = ("objective", "metric")
_AT_PREDICTION = ("num_threads", "num_thread", "nthread", "nthreads", "n_jobs", "verbosity", "verbose")

of_wrapper: ContextVar[frozenset[str] | None] = ContextVar("steno_lightgbm_wrapper", default=None)
"""The params that the wrapper has told of whose fit is running; None outside of any."""


def of_booster(params: Any, but: Iterable[str] = ()) -> dict[str, str]:
    """Return a booster's params as texts, without those that are told of already."""
    if not isinstance(params, Mapping):
        return {}
    left_out = frozenset(but)
    return flatten_params({key: value for key, value in params.items() if key not in left_out})


def of_call(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return arguments of `train` or `cv` as texts, functions by their names; what was not given is left out."""
    chosen = {name: given[name] for name in names if name in given}
    return {name: show(value) for name, value in chosen.items() if name in ALWAYS or value not in (None, [])}


def of_estimator(estimator: Any) -> dict[str, str]:
    """Return the params of a wrapper as texts, without those that LightGBM is yet to choose."""
    chosen = estimator.get_params(deep=False)
    return flatten_params({k: v for k, v in chosen.items() if not (k in CHOSEN_LATER and v is None)})


def at_prediction(params: Any) -> dict[str, Any]:
    """Return what a prediction of ours has to be made with.

    LightGBM keeps the number of threads and how much it says for the next calls of its own.
    """
    if not isinstance(params, Mapping):
        return {}
    return {name: params[name] for name in _AT_PREDICTION if name in params}
