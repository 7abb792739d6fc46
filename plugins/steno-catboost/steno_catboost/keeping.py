"""How a trained model is held until it is written: as the bytes of its own format."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from steno.autolog import keeping
from steno.autolog.keeping import MOST_BYTES, Sample, Snapshot
from steno.contracts.integration import Call

PATH = "model"


class Frozen(Struct, frozen=True):
    """A model as it was when its training ended.

    Attributes:
        kind: Its class.
        content: What `save_model` would have written.
    """

    kind: type
    content: bytes


def frozen(model: Any) -> Frozen:
    """Return a model as it is now, whatever the user does with it."""
    # What `save_model` writes, without the file; `pickle` would add the predictions for the evaluation sets.
    return Frozen(type(model), model._serialize_model())


def keep(call: Call, model: Any, sample: Sample | None) -> None:
    """Record a trained model; what cannot be kept is told in a tag."""
    if not call.options.log_models:
        return
    try:
        snapshot = frozen(model)
    except Exception as error:  # advice: CatBoost may refuse, and so may a class of the user's
        keeping.not_kept(call.run, PATH, f"{type(error).__name__}: {error}")
        return
    size_bytes = len(snapshot.content)
    if size_bytes > MOST_BYTES:
        keeping.not_kept(call.run, PATH, f"larger than {MOST_BYTES >> 20} MB; steno.log_model keeps it")
        return
    snapshots = {PATH: Snapshot(lambda: snapshot, size_bytes, flavor="catboost")}
    keeping.keep(call.run, call.options, snapshots, sample, fresh=call.opened)
