"""What was chosen for a training: the model's params, the call's arguments, and what CatBoost made of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from steno.autolog.params import flatten_params

FIT = (
    "cat_features",
    "text_features",
    "embedding_features",
    "use_best_model",
    "verbose",
    "logging_level",
    "column_description",
    "verbose_eval",
    "metric_period",
    "silent",
    "early_stopping_rounds",
    "save_snapshot",
    "snapshot_file",
    "snapshot_interval",
)
# How the files, the output and the machine are used, and settings that no model is told by.
_NOT_TOLD = ("pool_metainfo_options", "class_names")


def of_model(model: Any) -> dict[str, Any]:
    """Return what was set on a model.

    `get_params` would copy it, data and objects of the user's own included.
    """
    chosen = getattr(model, "_init_params", None)
    return dict(chosen) if isinstance(chosen, Mapping) else dict(model.get_params())


def of_call(given: Mapping[str, Any], names: Iterable[str] = FIT) -> dict[str, Any]:
    """Return the arguments that were given, those for data left out."""
    return {name: given[name] for name in names if given.get(name) is not None}


def texts(chosen: Mapping[str, Any]) -> dict[str, str]:
    """Return params as texts."""
    return flatten_params(chosen)


def settled(model: Any, given: Iterable[str]) -> dict[str, str]:
    """Return what CatBoost settled on for params that were not given: the learning rate, say."""
    known = set(given).union(_NOT_TOLD)
    return flatten_params({name: value for name, value in model.get_all_params().items() if name not in known})
