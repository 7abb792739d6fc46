"""What was chosen for a training: the booster's params, the call's arguments, the wrapper's attributes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from steno.autolog.params import flatten_params, show

TRAIN = ("num_boost_round", "early_stopping_rounds", "maximize", "verbose_eval", "custom_metric")
CV = (*TRAIN, "nfold", "stratified", "shuffle", "seed", "metrics", "fpreproc")


def of_booster(params: Any) -> dict[str, str]:
    """Return the booster's params as texts; given as pairs, one that comes twice is a list."""
    if isinstance(params, Mapping):
        return flatten_params(params)
    if not isinstance(params, list | tuple):
        return {}
    gathered: dict[str, list[Any]] = {}
    for pair in params:
        if isinstance(pair, list | tuple) and len(pair) == 2:
            gathered.setdefault(str(pair[0]), []).append(pair[1])
    return flatten_params({key: found[0] if len(found) == 1 else found for key, found in gathered.items()})


def of_call(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return arguments of `train` or `cv` as texts; functions by their names."""
    chosen = {name: show(given[name]) for name in names if name in given}
    return chosen if given.get("obj") is None else {**chosen, "obj": show(given["obj"])}


def of_estimator(estimator: Any) -> dict[str, str]:
    """Return the params of a wrapper as texts.

    XGBoost's `get_params` draws from a generator that is given as `random_state`: it is asked of a copy without one.
    """
    drawn = getattr(estimator, "random_state", None)
    if isinstance(drawn, np.random.RandomState | np.random.Generator):
        estimator = copy.copy(estimator)
        estimator.random_state = None
        return {**flatten_params(estimator.get_params()), "random_state": show(drawn)}
    return flatten_params(estimator.get_params())
