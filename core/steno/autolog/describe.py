"""Datasets as they went into a training: schema, profile and a fingerprint, at a bounded cost."""

from __future__ import annotations

import json
import math
from typing import Any

from steno.autolog.fingerprint import Part, digest, part_of
from steno.autolog.params import flatten_params
from steno.records import Dataset, DatasetInput, InputTag, Tags

__all__ = ["describe_data", "describe_parts", "flatten_params"]

_SOURCE_TAGS = (Tags.USER, Tags.SOURCE_NAME, Tags.SOURCE_TYPE, Tags.GIT_COMMIT)


def describe_data(
    X: Any,  # noqa: N803 - the field's name
    y: Any = None,
    context: str = "train",
    name: str = "dataset",
) -> DatasetInput:
    """Describe data without copying, densifying or consuming it.

    Args:
        X: Features of any kind: array, frame, sparse matrix, tensor, list. Of anything else (an iterator, a
            loader) only the type is told.
        y: Targets, if there are any.
        context: What the data is used for: "train" or "eval".
        name: The dataset's name.

    The digest covers small data whole and of large data an even sample of rows, so that it costs less than a
    millisecond at any size; a change outside the sample does not show.
    """
    return describe_parts(part_of(X), part_of(y) if y is not None else None, context, name)


def describe_parts(
    features: Part, targets: Part | None = None, context: str = "train", name: str = "dataset"
) -> DatasetInput:
    """Describe data that was looked at already, as `describe_data` does: for containers that only their framework
    can look into."""
    schema, profile = (_frame if features.columns is not None else _tensors)(features, targets)
    dataset = Dataset(
        name=name,
        digest=digest(features, targets),
        source_type="code",
        source=json.dumps({"tags": _source_tags()}),
        schema=json.dumps(schema) if schema else "",
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, (InputTag(Tags.DATASET_CONTEXT, context),))


def _source_tags() -> dict[str, str]:
    from steno.plugins import plugins

    found = plugins().hooks.run_tags()
    return {key: found[key] for key in _SOURCE_TAGS if key in found}


def _frame(features: Part, targets: Part | None) -> tuple[dict[str, Any], dict[str, Any]]:
    columns = features.columns or ()
    spec = [{"type": kind, "name": name, "required": True} for name, kind in columns]
    rows, wide = features.shape or (0, 0)
    return {"mlflow_colspec": spec}, {"num_rows": rows, "num_elements": rows * wide}


def _tensors(features: Part, targets: Part | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if features.shape is None:
        return {}, {"type": features.kind}
    profile = _profile("features", features)
    if targets is not None and targets.shape is not None:
        profile.update(_profile("targets", targets))
    spec = {"features": _spec(features), "targets": _spec(targets) if targets is not None else None}
    return {"mlflow_tensorspec": spec}, profile


def _spec(part: Part) -> str | None:
    if part.shape is None:
        return None
    tensor = {"dtype": part.dtype, "shape": [-1, *part.shape[1:]]}
    return json.dumps([{"type": "tensor", "tensor-spec": tensor}])


def _profile(prefix: str, part: Part) -> dict[str, Any]:
    assert part.shape is not None
    profile: dict[str, Any] = {
        f"{prefix}_shape": list(part.shape),
        f"{prefix}_size": math.prod(part.shape),
        f"{prefix}_nbytes": part.size_bytes,
    }
    if part.stored is not None:
        profile[f"{prefix}_nnz"] = part.stored
    return profile
