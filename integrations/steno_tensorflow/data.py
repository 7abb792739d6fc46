"""The data that goes into `fit`, looked at from outside: nothing is drawn from a generator, a loader or a pipeline."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from steno.autolog.describe import describe_parts
from steno.autolog.fingerprint import Part, part_of
from steno.records import DatasetInput

KERAS_BATCH = 32  # what `fit` takes for arrays where no batch size is given
EXAMPLE_ROWS = 5
_MOST_PARTS = 64


def describe(x: Any, y: Any, context: str) -> DatasetInput:
    """Describe what was given as `x` and `y`."""
    return describe_parts(_part(x), _part(y) if y is not None else None, context)


def split(validation_data: Any) -> tuple[Any, Any]:
    """Return `x` and `y` of what was given as `validation_data`."""
    if isinstance(validation_data, list | tuple) and 1 <= len(validation_data) <= 3:
        return validation_data[0], validation_data[1] if len(validation_data) > 1 else None
    return validation_data, None


def arrays(value: Any) -> dict[str, Any] | None:
    """Return the arrays in `x` by name, "" for the only one; None for what holds its data otherwise."""
    if _is_array(value):
        return {"": value}
    if isinstance(value, Mapping) and value and all(map(_is_array, value.values())):
        return {str(name): array for name, array in value.items()}
    if isinstance(value, list | tuple) and value and all(map(_is_array, value)):
        return {str(index): array for index, array in enumerate(value)}
    return None


def batch_size_of(x: Any) -> int | None:
    """Return the batch size that follows from the data, None where it cannot be told from outside."""
    if arrays(x) is not None or isinstance(x, list):
        return KERAS_BATCH
    size = getattr(x, "batch_size", None) if is_loader(x) else None
    if size is None:
        leading = next((shape[0] for shape, _ in element_specs(x).values() if shape), None)
        size = leading
    return size if isinstance(size, int) else None


def element_specs(x: Any) -> dict[str, tuple[tuple[int | None, ...], str]]:
    """Return shape and dtype of the inputs that a `tf.data.Dataset` gives, by name; nothing for other data."""
    spec: Any = x.element_spec if is_dataset(x) else None
    features: Any = spec[0] if isinstance(spec, tuple) and spec else spec
    named = features if isinstance(features, Mapping) else {"": features}
    found: dict[str, tuple[tuple[int | None, ...], str]] = {}
    for name, each in named.items():
        shape = getattr(each, "shape", None)
        if shape is not None and getattr(shape, "rank", None) is not None:
            found[str(name)] = tuple(shape.as_list()), str(each.dtype.name)
    return found


def is_dataset(x: Any) -> bool:
    """Whether it is a `tf.data.Dataset`."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(x, tensorflow.data.Dataset)


def is_loader(x: Any) -> bool:
    """Whether it is a `torch.utils.data.DataLoader`."""
    data = sys.modules.get("torch.utils.data")
    return data is not None and isinstance(x, data.DataLoader)


def head(x: Any) -> Any:
    """Return a copy of the first rows of arrays, None of other data."""
    found = arrays(x)
    if found is None:
        return None
    import numpy as np

    rows = {name: np.array(array[:EXAMPLE_ROWS]) for name, array in found.items()}
    return rows.get("", rows)


def _is_array(value: Any) -> bool:
    return (
        isinstance(getattr(value, "shape", None), tuple) and hasattr(value, "dtype") and hasattr(value, "__getitem__")
    )


def _part(value: Any) -> Part:
    if is_dataset(value):
        # Its length is part of its definition: nothing is drawn to tell it.
        told = f"{value.element_spec}{_cardinality(value)}"
        return Part(_name(value), content=told.encode())
    found = arrays(value)
    if found is None or "" in found:
        return part_of(value)
    parts = [part_of(array) for array in list(found.values())[:_MOST_PARTS]]
    first = parts[0]
    content = b"".join(
        f"{name}{part.shape}{part.dtype}".encode() + part.content for name, part in zip(found, parts, strict=False)
    )
    return Part(_name(value), first.shape, first.dtype, sum(part.size_bytes for part in parts), content=content)


def _cardinality(dataset: Any) -> int:
    return int(dataset.cardinality().numpy())


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
