"""Checkpoints in the middle of a training, where they were asked for: each epoch's or the best, at a bounded cost."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
from steno.autolog.quiet import quiet
from steno.contracts.integration import Run

from steno_tensorflow.recorder import left_out

FOLDER = "checkpoints"
_SHARE = 0.05


class Checkpoints:
    """Writes checkpoints under MLflow's names for them, but in Keras's own format in place of its legacy one.

    All of them together take at most a twentieth of the training until then, the first aside: one that would take
    more is passed over, and the run says so.
    """

    def __init__(
        self,
        run: Run,
        monitor: str = "val_loss",
        mode: str = "min",
        *,
        best_only: bool = True,
        weights_only: bool = False,
    ) -> None:
        self._run = run
        self._monitor, self._sign = monitor, -1.0 if mode == "max" else 1.0
        self._best_only, self._suffix = best_only, ".weights.h5" if weights_only else ".keras"
        self._best = float("inf")
        self._began = perf_counter()
        self._spent_s = self._longest_s = 0.0

    def after_epoch(self, model: Any, epoch: int, values: Mapping[str, float]) -> None:
        """Write one if the epoch is better, or every epoch counts."""
        value = values.get(self._monitor, values.get("loss", float("nan"))) * self._sign
        if self._best_only and not value < self._best:
            return
        if self._spent_s and self._spent_s + self._longest_s > _SHARE * (perf_counter() - self._began):
            self._run.set_tags({"steno.checkpoints": "some were passed over: they would slow the training"})
            return
        self._best = value
        began = perf_counter()
        try:
            self._write(model, epoch, values)
        except Exception as error:  # advice: a class of the user's may refuse to be saved in any way
            left_out(self._run, "checkpoint", error)
        took_s = perf_counter() - began
        self._spent_s, self._longest_s = self._spent_s + took_s, max(self._longest_s, took_s)

    def _write(self, model: Any, epoch: int, values: Mapping[str, float]) -> None:
        name = f"{FOLDER}/latest_checkpoint" if self._best_only else f"{FOLDER}/epoch_{epoch}/checkpoint"
        folder = Path(tempfile.mkdtemp(prefix="steno-checkpoint-"))
        try:
            path = folder / f"checkpoint{self._suffix}"
            with quiet():
                model.save_weights(path) if "weights" in self._suffix else keras.saving.save_model(model, path)
            self._run.log_file(f"{name}{self._suffix}", path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._run.log_file(f"{name}_metrics.json", json.dumps({"epoch": epoch, **values}).encode())


def wanted(run: Run, extra: Mapping[str, Any]) -> Checkpoints | None:
    """Return what writes checkpoints; None by default, for an epoch may well be shorter than writing its model."""
    if not extra.get("checkpoint"):
        return None
    if extra.get("checkpoint_save_freq", "epoch") != "epoch":
        left_out(run, "checkpoint_save_freq", "checkpoints are written after epochs")
    return Checkpoints(
        run,
        extra.get("checkpoint_monitor") or "val_loss",
        extra.get("checkpoint_mode") or "min",
        best_only=extra.get("checkpoint_save_best_only") is not False,
        weights_only=bool(extra.get("checkpoint_save_weights_only")),
    )
