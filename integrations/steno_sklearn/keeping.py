"""What of a fitted estimator is kept, and how it is held until it is written."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

from steno.autolog import keeping
from steno.autolog.keeping import MOST_BYTES, Sample, Snapshot
from steno.contracts.integration import Call

from steno_sklearn.data import head

AT_ONCE_BYTES = 64 << 10  # such a model is written within some milliseconds
LARGE_BYTES = 64 << 20
EXAMPLE_ROWS = 5
_BYTES_PER_MS = 150e3  # a slow disk's
_WRITER = "steno_sklearn.skops_file"
_DURING_FIT = frozenset({"_callback_fit_ctx", "_skl_callbacks_to_teardown"})


class _TooLarge(Exception):
    """A pickle would not fit."""


class _Parts:
    """Takes what pickle writes, up to a limit: a model is not asked for its size before."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def write(self, part: Any) -> int:
        part = bytes(part)
        self.size += len(part)
        if self.size > MOST_BYTES:
            raise _TooLarge
        self.parts.append(part)
        return len(part)


def sample_of(data: Any, labels: Any) -> Sample:
    """Return a copy of the first rows, so that it stays as it is while the user goes on."""
    return Sample(_copied_head(data), None if labels is None else _copied_head(labels))


def _copied_head(data: Any) -> Any:
    rows = head(data, EXAMPLE_ROWS)
    return rows.copy() if hasattr(rows, "copy") else rows


def keep(call: Call, models: dict[str, Any], sample: Sample | None) -> None:
    """Record fitted models under their artifact paths; what cannot be kept is told in a tag."""
    form = call.options.extra.get("serialization_format")
    options = {"serialization_format": form} if form else {}
    snapshots: dict[str, Snapshot] = {}
    for path, model in models.items():
        try:
            snapshots[path] = _snapshot(as_after_fit(model), options, call.budget.remaining_ms())
        except _TooLarge:
            keeping.not_kept(call.run, path, f"larger than {MOST_BYTES >> 20} MB; steno.log_model keeps it")
    keeping.keep(call.run, call.options, snapshots, sample, fresh=call.opened)


def as_after_fit(model: Any) -> Any:
    """Return the model as the user will have it: inside `fit`, scikit-learn 1.9 keeps callbacks on it for a while."""
    if not hasattr(model, "__dict__") or _DURING_FIT.isdisjoint(vars(model)):
        return model
    bare = copy.copy(model)
    for name in _DURING_FIT:
        vars(bare).pop(name, None)
    return bare


def _snapshot(model: Any, options: dict[str, Any], allowed_ms: float) -> Snapshot:
    """Pickle the model, unless the model itself can be written at once. Raises: _TooLarge.

    At once goes what is small, and what is large and of a fit that took long: no copy of it is held in memory.
    """
    taken, arrays = _Parts(), list[pickle.PickleBuffer]()
    try:
        pickle.Pickler(taken, 5, buffer_callback=arrays.append).dump(model)
    except _TooLarge:
        raise
    except Exception:  # advice: a function of the user's, say; cloudpickle may still keep it
        return Snapshot(lambda: model, at_once=True, options=options)
    size_bytes = taken.size + sum(array.raw().nbytes for array in arrays)
    # The first model imports what writes it, which takes longer than most fits.
    is_small = size_bytes <= AT_ONCE_BYTES and _WRITER in sys.modules
    if is_small or (size_bytes > LARGE_BYTES and size_bytes / _BYTES_PER_MS < allowed_ms):
        return Snapshot(lambda: model, size_bytes, at_once=True, options=options)
    if size_bytes > MOST_BYTES:
        raise _TooLarge
    held = [bytearray(array.raw()) for array in arrays]  # the user may change the model, and its arrays, from now on
    return Snapshot(lambda: pickle.loads(b"".join(taken.parts), buffers=held), size_bytes, options=options)
