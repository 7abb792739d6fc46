"""Tells pandas, numpy and scipy objects apart without importing those packages.

A value can only be a DataFrame if pandas is loaded already, so a look into `sys.modules` is enough.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from steno.errors import InvalidValue


def is_dataframe(value: Any) -> bool:
    """Whether it is a pandas DataFrame."""
    return _is(value, "pandas", "DataFrame")


def is_series(value: Any) -> bool:
    """Whether it is a pandas Series."""
    return _is(value, "pandas", "Series")


def is_pandas(value: Any) -> bool:
    """Whether it is a pandas DataFrame or Series."""
    return is_dataframe(value) or is_series(value)


def is_ndarray(value: Any) -> bool:
    """Whether it is a numpy array."""
    return _is(value, "numpy", "ndarray")


def is_numpy_scalar(value: Any) -> bool:
    """Whether it is a single numpy value."""
    return _is(value, "numpy", "generic")


def is_sparse(value: Any) -> bool:
    """Whether it is a scipy CSR or CSC matrix or array."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value)) and value.format in ("csr", "csc")


def is_missing(value: Any) -> bool:
    """Whether a single value stands for nothing: None, NaN, NaT, NA."""
    if value is None:
        return True
    if isinstance(value, float) or is_numpy_scalar(value):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")


def arrayed(value: Any) -> Any:
    """Return a tensor of any framework as a numpy array, a dict or tuple with each of its tensors so, all else as is.

    Raises:
        InvalidValue: A tensor of a kind that numpy has not.
    """
    if isinstance(value, Mapping):
        return {name: arrayed(each) for name, each in value.items()}
    if type(value) is tuple:
        return tuple(map(arrayed, value))
    if not _is_tensor(value):
        return value
    for step in ("detach", "cpu"):
        if callable(getattr(value, step, None)):
            value = getattr(value, step)()
    import numpy as np

    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidValue(f"a {type(value).__name__} of {value.dtype} cannot become an array: {error}") from error


def _is_tensor(value: Any) -> bool:
    """Whether it is an array of another library than numpy, held in memory (files offer none of the two)."""
    if is_ndarray(value) or is_numpy_scalar(value) or is_series(value) or is_dataframe(value):
        return False
    kind = type(value)
    in_memory = hasattr(kind, "numpy") or hasattr(kind, "__dlpack__")
    return in_memory and hasattr(kind, "__array__") and hasattr(kind, "dtype") and hasattr(kind, "shape")


def _is(value: Any, module: str, name: str) -> bool:
    # `type(...)` of a partly imported module (pandas during its own import) may lack the name.
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)
