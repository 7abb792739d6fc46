"""What of a fit is kept: the best checkpoint or the last weights as the model, and checkpoint files as artifacts."""

from __future__ import annotations

from typing import IO, Any

import torch
from steno.autolog import keeping
from steno.autolog.keeping import MOST_BYTES, Sample, Snapshot
from steno.contracts.integration import Call
from steno.tracking.deferred import deferred

from steno_lightning import copies, results
from steno_lightning.checkpoints import Checkpoints, opened

FLAVOR = "pytorch"
# Nobody asked for a program, and exporting one takes seconds.
WEIGHTS_ALONE = {"serialization_format": "state_dict"}
KEPT = "steno.model_from"
SPARE_BYTES = 64 << 20  # so much is copied for the case that a checkpoint cannot be read


def keep(call: Call, trainer: Any, model: Any, sample: Sample | None) -> None:
    """Record the trained module under "model"; what cannot be kept is told in a tag."""
    if not call.options.log_models or model is None:
        return
    best = _best(call, trainer)
    snapshot = _snapshot(call, model, best)
    if snapshot is not None:
        keeping.keep(call.run, call.options, {"model": snapshot}, sample, fresh=call.opened)


def keep_checkpoints(call: Call, trainer: Any) -> None:
    """Copy the checkpoints the user keeps to the run, later and up to a size; `checkpoint=False` forbids it."""
    options = call.options.extra
    wanted = options.get("checkpoint")
    if not (call.options.log_models if wanted is None else wanted):
        return
    found = results.checkpoints(trainer, options.get("checkpoint_monitor", "val_loss"))
    active = getattr(call.run, "active", None)
    if not found or active is None:
        return
    kept = Checkpoints(found[0], trainer, options)
    if kept.files and not deferred.submit(active, kept.write, kept.size_bytes):
        keeping.not_kept(call.run, "checkpoints", "too much waits to be written")
    if kept.left_out:
        call.run.set_tags({"steno.checkpoint_not_kept": kept.left_out})


def _best(call: Call, trainer: Any) -> IO[bytes] | None:
    """Open the checkpoint with the best weights; None where the module itself has them."""
    monitor = call.options.extra.get("checkpoint_monitor", "val_loss")
    for each in results.checkpoints(trainer, monitor)[:1]:
        if each.monitor is not None:  # without a monitor, the last is the best
            return opened(each.best_model_path)
    return None


def _snapshot(call: Call, model: Any, best: IO[bytes] | None) -> Snapshot | None:
    size_bytes = copies.size_bytes(model)
    if size_bytes > MOST_BYTES:
        keeping.not_kept(call.run, "model", f"larger than {MOST_BYTES >> 20} MB; steno.pytorch.log_model keeps it")
        return None
    spare = best is None or size_bytes <= SPARE_BYTES
    try:
        copy = copies.copied(model, tensors=spare)
    except Exception:  # advice: a module that cannot be taken apart is written as it is, now
        return Snapshot(lambda: model, at_once=True, flavor=FLAVOR, options=WEIGHTS_ALONE)
    if best is None:
        return Snapshot(lambda: copy, size_bytes, flavor=FLAVOR, options=WEIGHTS_ALONE)
    held_bytes = size_bytes * spare
    return Snapshot(
        lambda: _with_best(call.run, copy, best, spare=spare), held_bytes, flavor=FLAVOR, options=WEIGHTS_ALONE
    )


def _with_best(run: Any, copy: Any, best: IO[bytes], *, spare: bool) -> Any:
    """Return the copy with the weights of a checkpoint, which is read without running anything in it."""
    try:
        with best:
            state = torch.load(best, map_location="cpu", weights_only=True)["state_dict"]
        copy.load_state_dict(state, assign=True)
    except Exception as error:  # advice: a file that was written over, or that holds more than weights
        if not spare:
            raise
        run.set_tags({KEPT: f"the last step; the best checkpoint could not be read: {error}"[:500]})
        return copy
    run.set_tags({KEPT: "the best checkpoint"})
    return copy
