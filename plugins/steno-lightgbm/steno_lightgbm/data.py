"""Data that goes into a training: what a `Dataset` is made of, or what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steno.autolog.describe import describe_data, describe_parts
from steno.autolog.fingerprint import MOST_COLUMNS, Part, part_of
from steno.contracts.integration import Call
from steno.records import DatasetInput

from steno_lightgbm.sources import source_of

TRAINING = "training"
_MOST_EVALS = 20


def log_datasets(call: Call, given: Mapping[str, Any]) -> None:
    """Record the training data and the evaluation sets of `train` or `cv`."""
    if not call.options.log_datasets:
        return
    dataset = given.get("train_set")
    if not hasattr(dataset, "construct"):
        return  # the call is about to fail
    call.run.log_input(_describe(dataset, "train", "dataset"))
    for name, each in _evaluated(given, dataset):
        call.run.log_input(_describe(each, "eval", name))


def log_arrays(call: Call, given: Mapping[str, Any]) -> None:
    """Record the training data and the evaluation sets of a wrapper's fit, named as LightGBM names them."""
    if not call.options.log_datasets:
        return
    X, y = given.get("X"), given.get("y")
    call.run.log_input(describe_data(X, y, "train"))
    names = given.get("eval_names")
    for index, pair in enumerate(_pairs(given)[:_MOST_EVALS]):
        if isinstance(pair, list | tuple) and len(pair) == 2:
            name = _name(names, index, itself=pair[0] is X and pair[1] is y)
            call.run.log_input(describe_data(pair[0], pair[1], "eval", name))


def _pairs(given: Mapping[str, Any]) -> list[Any]:
    """Return the evaluation sets of a wrapper; since LightGBM 4.7 they may come as features and labels apart."""
    pairs = given.get("eval_set")
    if isinstance(pairs, tuple) and len(pairs) == 2 and not isinstance(pairs[0], tuple):
        return [pairs]
    if isinstance(pairs, list | tuple):
        return list(pairs)
    X, y = given.get("eval_X"), given.get("eval_y")
    if X is None or y is None:
        return []
    return list(zip(X, y, strict=False)) if isinstance(X, tuple) and isinstance(y, tuple) else [(X, y)]


def _evaluated(given: Mapping[str, Any], dataset: Any) -> Iterator[tuple[str, Any]]:
    sets, names = given.get("valid_sets"), given.get("valid_names")
    if hasattr(sets, "construct"):
        sets = [sets]
    for index, each in enumerate(sets[:_MOST_EVALS] if isinstance(sets, list | tuple) else ()):
        if hasattr(each, "construct"):
            yield _name([names] if isinstance(names, str) else names, index, itself=each is dataset), each


def _name(names: Any, index: int, *, itself: bool) -> str:
    if isinstance(names, list | tuple) and index < len(names):
        return str(names[index])
    return TRAINING if itself else f"valid_{index}"


def _describe(dataset: Any, context: str, name: str) -> DatasetInput:
    X, y = source_of(dataset)
    if X is not None:
        return describe_data(X, y, context, name)
    features = Part(f"{type(dataset).__module__}.{type(dataset).__qualname__}")
    if getattr(dataset, "_handle", None) is not None:
        features.shape, features.dtype = (dataset.num_data(), dataset.num_feature()), "float64"
        names = dataset.feature_name
        if isinstance(names, list):
            features.columns = tuple((str(each), "double") for each in names[:MOST_COLUMNS])
    elif isinstance(dataset.used_indices, list):
        features.shape = (len(dataset.used_indices), 0)
    labels = dataset.label
    return describe_parts(features, part_of(labels) if labels is not None else None, context, name)
