"""Data that goes into a training: what a `DMatrix` was made of, or what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steno.autolog.describe import describe_data, describe_parts
from steno.autolog.fingerprint import MOST_COLUMNS, Part, part_of
from steno.contracts.integration import Call
from steno.records import DatasetInput

from steno_xgboost.params import of_booster
from steno_xgboost.sources import source_of

_SAMPLE_ROWS = 64
_MOST_LABELS = 1_000_000  # XGBoost gives them as a copy
_MOST_EVALS = 20
_COLUMN_TYPES = {"int": "long", "i": "boolean", "c": "string"}


def log_matrices(call: Call, given: Mapping[str, Any]) -> None:
    """Record the training data and the evaluation sets of `train` or `cv`."""
    if not call.options.log_datasets:
        return
    on_device = is_on_device(given.get("params"))
    _log(call, given.get("dtrain"), "train", "dataset", on_device)
    evals = given.get("evals")
    for pair in evals[:_MOST_EVALS] if isinstance(evals, list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            _log(call, pair[0], "eval", str(pair[1]), on_device)


def log_arrays(call: Call, given: Mapping[str, Any]) -> None:
    """Record the training data and the evaluation sets of a wrapper's fit, named as XGBoost names them."""
    if not call.options.log_datasets:
        return
    call.run.log_input(describe_data(given.get("X"), given.get("y"), "train"))
    evals = given.get("eval_set")
    for index, pair in enumerate(evals[:_MOST_EVALS] if isinstance(evals, list | tuple) else ()):
        if isinstance(pair, list | tuple) and len(pair) == 2:
            call.run.log_input(describe_data(pair[0], pair[1], "eval", f"validation_{index}"))


def is_on_device(params: Any) -> bool:
    """Whether the data may lie on a device, where looking at it would wait for that."""
    return of_booster(params).get("device", "cpu").partition(":")[0] not in ("cpu", "None")


def _log(call: Call, matrix: Any, context: str, name: str, on_device: bool) -> None:
    if not hasattr(matrix, "num_row"):
        return  # the call is about to fail
    X, y = source_of(matrix)
    if X is not None:
        call.run.log_input(describe_data(X, y, context, name))
    else:
        call.run.log_input(_describe(matrix, context, name, on_device))


def _describe(matrix: Any, context: str, name: str, on_device: bool) -> DatasetInput:
    names, kinds = matrix.feature_names, matrix.feature_types
    features = Part(f"{type(matrix).__module__}.{type(matrix).__qualname__}")
    features.shape, features.dtype = (matrix.num_row(), matrix.num_col()), "float32"
    features.stored = matrix.num_nonmissing()
    if names:
        types = [_COLUMN_TYPES.get(kind, "double") for kind in kinds or [""] * len(names)]
        features.columns = tuple(zip(names[:MOST_COLUMNS], types, strict=False))
    if on_device:
        return describe_parts(features, None, context, name)
    features.content = _content(matrix)
    labels = matrix.get_label() if matrix.num_row() <= _MOST_LABELS else None
    targets = part_of(labels) if labels is not None and labels.size else None
    return describe_parts(features, targets, context, name)


def _content(matrix: Any) -> bytes:
    """Return some evenly spaced rows; nothing of a matrix that cannot be sliced (quantized, or kept on disk)."""
    try:
        some = matrix.slice(_spaced(matrix.num_row()), allow_groups=True).get_data()
    except Exception:  # advice: the digest is then made of what else is known
        return b""
    return b"".join(part.tobytes() for part in (some.indptr, some.indices, some.data))


def _spaced(rows: int) -> Sequence[int]:
    if rows <= _SAMPLE_ROWS:
        return list(range(rows))
    return [index * (rows - 1) // (_SAMPLE_ROWS - 1) for index in range(_SAMPLE_ROWS)]
