"""The data of one fit: found among its arguments, and thinned without copying or densifying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_FEATURES = ("X", "x", "data")
_TARGETS = ("y", "Y", "y_true", "target")


class Data(Struct):
    """Features, targets and weights of equal length; what was not given is None.

    Attributes:
        X: Of shape (n_samples, n_features), or whatever the estimator takes.
        rows: How many samples, 0 where that cannot be asked.
    """

    X: Any
    y: Any = None
    weights: Any = None
    rows: int = 0

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Data | None:
        """Return the data among a call's arguments; None if there is none."""
        X = _first(arguments, _FEATURES)
        if X is None:
            return None
        weights = arguments.get("sample_weight")
        if weights is None:
            more = arguments.get("params") or arguments.get("fit_params") or arguments.get("kwargs")
            weights = more.get("sample_weight") if isinstance(more, Mapping) else None
        return cls(X, _first(arguments, _TARGETS), weights, row_count(X))

    @property
    def thins(self) -> bool:
        """Whether every k-th sample can be taken without copying the rest."""
        return all(part is None or _slices(part) for part in (self.X, self.y, self.weights))

    def every(self, step: int) -> Data:
        """Return every `step`-th sample."""
        if step == 1:
            return self
        X, y, weights = (None if part is None else thinned(part, step) for part in (self.X, self.y, self.weights))
        return Data(X, y, weights, -(-self.rows // step))


def row_count(data: Any) -> int:
    """Return the number of samples, 0 where asking would run or consume something."""
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and shape:
        return int(shape[0])
    return len(data) if isinstance(data, list | tuple) else 0


def head(data: Any, rows: int) -> Any:
    """Return the first samples."""
    return data.iloc[:rows] if hasattr(data, "iloc") else data[:rows]


def thinned(data: Any, step: int) -> Any:
    """Return every `step`-th sample."""
    return data.iloc[::step] if hasattr(data, "iloc") else data[::step]


def _slices(data: Any) -> bool:
    # Of the sparse formats only these take rows by slice without being converted.
    form = getattr(data, "format", None)
    if isinstance(form, str) and hasattr(data, "nnz"):
        return form in ("csr", "lil")
    return hasattr(data, "iloc") or isinstance(data, list | tuple) or hasattr(data, "__array__")


def _first(arguments: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((arguments[name] for name in names if arguments.get(name) is not None), None)
