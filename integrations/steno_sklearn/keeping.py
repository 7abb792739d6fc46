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
EXAMPLE_ROWS = 5
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
            snapshots[path] = _snapshot(as_after_fit(model), options)
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


def _snapshot(model: Any, options: dict[str, Any]) -> Snapshot:
    """Pickle the model, and drop the pickle where the model itself can be written at once. Raises: _TooLarge."""
    taken = _Parts()
    try:
        pickle.Pickler(taken, 5).dump(model)
    except _TooLarge:
        raise
    except Exception:  # advice: a function of the user's, say; cloudpickle may still keep it
        return Snapshot(lambda: model, at_once=True, options=options)
    # The first model imports what writes it, which takes longer than most fits.
    if taken.size <= AT_ONCE_BYTES and _WRITER in sys.modules:
        return Snapshot(lambda: model, taken.size, at_once=True, options=options)
    return Snapshot(lambda: pickle.loads(b"".join(taken.parts)), taken.size, options=options)
