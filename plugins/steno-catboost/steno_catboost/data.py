"""Data that goes into a training: arrays, frames and files as they are, a `Pool` by what it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import catboost
from steno.autolog.describe import describe_data, describe_parts
from steno.autolog.fingerprint import MOST_COLUMNS, Part, part_of
from steno.contracts.integration import Call
from steno.records import DatasetInput

from steno_catboost.sources import source_of

_MOST_LABELS = 100_000  # CatBoost gives them as a copy
_MOST_EVALS = 20


def log_data(call: Call, given: Mapping[str, Any]) -> None:
    """Record the training data and the evaluation sets, named as CatBoost names them."""
    if not call.options.log_datasets:
        return
    found = given.get("X")
    data = found if found is not None else given.get("pool", given.get("dtrain"))
    if data is not None:
        call.run.log_input(_described(data, given.get("y"), "train", "dataset"))
    for name, features, labels in evaluation_sets(given.get("eval_set")):
        call.run.log_input(_described(features, labels, "eval", name))


def evaluation_sets(given: Any) -> Iterator[tuple[str, Any, Any]]:
    """Give name, features and labels of each evaluation set."""
    sets = given if isinstance(given, list) else [given]
    for index, each in enumerate(sets[:_MOST_EVALS]):
        name = "validation" if len(sets) == 1 else f"validation_{index}"
        if isinstance(each, tuple) and len(each) == 2:
            yield name, each[0], each[1]
        elif each is not None:
            yield name, each, None


def _described(data: Any, label: Any, context: str, name: str) -> DatasetInput:
    if not isinstance(data, catboost.Pool):
        return describe_data(data, label, context, name)
    features, labels = source_of(data)
    if features is not None:
        return describe_data(features, labels, context, name)
    return _pool(data, context, name)


def _pool(pool: Any, context: str, name: str) -> DatasetInput:
    """Describe a pool whose source is gone by its shape, columns and labels; its features cannot be read in part."""
    features = Part("catboost.core.Pool", tuple(pool.shape), "float32")
    names = pool.get_feature_names()
    if names and names != [str(index) for index in range(len(names))]:
        texts = {*pool.get_cat_feature_indices(), *pool.get_text_feature_indices()}
        types = ["string" if index in texts else "double" for index in range(len(names))]
        features.columns = tuple(zip(names[:MOST_COLUMNS], types, strict=False))
    labels = pool.get_label() if pool.num_row() <= _MOST_LABELS else None
    targets = part_of(labels) if labels is not None and len(labels) else None
    return describe_parts(features, targets, context, name)
