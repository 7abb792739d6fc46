"""Tells pandas, numpy and scipy objects apart without importing those packages.

A value can only be a DataFrame if pandas is loaded already, so a look into `sys.modules` is enough.
"""

from __future__ import annotations

import sys
from typing import Any


def is_dataframe(value: Any) -> bool:
    """Whether it is a pandas DataFrame."""
    return _is(value, "pandas", "DataFrame")


def is_series(value: Any) -> bool:
    """Whether it is a pandas Series."""
    return _is(value, "pandas", "Series")


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


def _is(value: Any, module: str, name: str) -> bool:
    # `type(...)` of a partly imported module (pandas during its own import) may lack the name.
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)
