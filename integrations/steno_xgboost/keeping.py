"""How a trained model is held until it is written: as the bytes of its own format."""

from __future__ import annotations

import copy
from typing import Any

import xgboost
from steno.autolog import keeping
from steno.autolog.keeping import MOST_BYTES, Sample, Snapshot
from steno.contracts.integration import Call
from xgboost.core import XGBoostError

from steno_xgboost.pieces import size_bytes

PATH = "model"


def keep(call: Call, model: Any, sample: Sample | None) -> None:
    """Record a trained booster or wrapper; what cannot be kept is told in a tag."""
    if not call.options.log_models:
        return
    form = call.options.extra.get("model_format")
    options = {"model_format": form} if form else {}
    try:
        snapshot = None if _is_too_large(model) else _snapshot(model, options)
    except Exception as error:  # advice: XGBoost may refuse, and so may a class of the user's
        keeping.not_kept(call.run, PATH, f"{type(error).__name__}: {error}")
        return
    if snapshot is None or snapshot.size_bytes > MOST_BYTES:
        keeping.not_kept(call.run, PATH, f"larger than {MOST_BYTES >> 20} MB; steno.log_model keeps it")
        return
    snapshots = {PATH: snapshot}
    keeping.keep(call.run, call.options, snapshots, sample, fresh=call.opened)


def _is_too_large(model: Any) -> bool:
    """Return whether not even its bytes are to be made, of which XGBoost holds three copies as it does."""
    booster = model if isinstance(model, xgboost.Booster) else model.get_booster()
    try:
        return size_bytes(booster) > MOST_BYTES
    except XGBoostError:  # no trees
        return False


def _snapshot(model: Any, options: dict[str, Any]) -> Snapshot:
    """Return what gives the model as it is now, whatever the user does with it."""
    if isinstance(model, xgboost.Booster):
        raw = model.save_raw()
        return Snapshot(lambda: _booster(type(model), raw), len(raw), flavor="xgboost", options=options)
    raw = model.get_booster().save_raw()
    twin = copy.copy(model)
    kind = type(model.get_booster())

    def restore() -> Any:
        twin._Booster = _booster(kind, raw)
        return twin

    return Snapshot(restore, len(raw), flavor="xgboost", options=options)


def _booster(kind: type, raw: bytearray) -> Any:
    # On a thread of its own, after the training: one thread is enough.
    return kind({"nthread": 1}, model_file=raw)
