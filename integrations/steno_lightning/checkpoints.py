"""Checkpoint files on their way to the run, under the names by which MLflow's users find them."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch
from msgspec import Struct
from steno.autolog.containment import contained

from steno_lightning import results

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

MOST_BYTES = 64 << 20
LATEST = "checkpoints/latest_checkpoint"
RESTORED = "restored_model_checkpoint"
LATEST_TAG = "mlflow.latest_checkpoint_artifact"
_EPOCH = re.compile(r"epoch=(\d+)")


class _File(Struct):
    """A checkpoint to be copied: its place in the run, less the ending, and what was monitored."""

    path: str
    file: IO[bytes]
    metrics: dict[str, Any]


class Checkpoints:
    """The files of one ModelCheckpoint, held open: the user may delete them before they are copied.

    Attributes:
        files: What to copy.
        size_bytes: How much that is.
        left_out: Which are too large, for a tag; empty if none is.
    """

    def __init__(self, callback: Any, trainer: Any, options: Mapping[str, Any]) -> None:
        self.files: list[_File] = []
        self.size_bytes = 0
        self.left_out = ""
        self._restored = ""
        self._weights_only = bool(options.get("checkpoint_save_weights_only"))
        if options.get("checkpoint_save_best_only", True) is False:
            for path, score in callback.best_k_models.items():
                self._add(_named(path), path, {str(callback.monitor): score})
        score = callback.best_model_score
        monitored = {str(callback.monitor): score} if callback.monitor is not None else {}
        if not self.files:
            self._add(LATEST, callback.best_model_path, monitored)
        if any(results.stopped(each) for each in trainer.early_stopping_callbacks):
            self._restored = f"{RESTORED}/{Path(callback.best_model_path).name}"

    def _add(self, name: str, path: str, metrics: dict[str, Any]) -> None:
        file = opened(path)
        if file is None:
            return
        size_bytes = os.fstat(file.fileno()).st_size
        if self.size_bytes + size_bytes > MOST_BYTES:
            file.close()
            self.left_out = f"{path}: with it, more than {MOST_BYTES >> 20} MB"
            return
        self.size_bytes += size_bytes
        numbers = {key: results.number(value) for key, value in metrics.items()}
        self.files.append(_File(name, file, {key: value for key, value in numbers.items() if value is not None}))

    def write(self, run: ActiveRun) -> None:
        """Copy them to the run; called on another thread."""
        for each in self.files:
            self._write(run, each)

    @contained
    def _write(self, run: ActiveRun, each: _File) -> None:
        with each.file:
            content = each.file.read()
        whole = _read(content)
        metrics = {key: whole[key] for key in ("epoch", "global_step") if key in whole} | each.metrics
        run.log_file(f"{each.path}_metrics.json", json.dumps(metrics).encode())
        if self._weights_only and "state_dict" in whole:
            written = io.BytesIO()
            torch.save(whole["state_dict"], written)
            path, kept = f"{each.path}.weights.pth", written.getvalue()
        else:
            path, kept = f"{each.path}.pth", content
        run.log_file(path, kept)
        if each.path == LATEST:
            run.set_tags({LATEST_TAG: path})
            if self._restored:
                run.log_file(self._restored, content)


def opened(path: str) -> IO[bytes] | None:
    """Open a file that may be gone."""
    with suppress(OSError):
        return Path(path).open("rb")
    return None


def _named(path: str) -> str:
    """The name of one of several, by the epoch in the file's name if there is one."""
    epoch = _EPOCH.search(Path(path).name)
    return f"checkpoints/{f'epoch_{epoch[1]}' if epoch else Path(path).stem}/checkpoint"


def _read(content: bytes) -> Mapping[str, Any]:
    """What is in a checkpoint, if it can be told without running anything of it."""
    try:
        whole = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # advice: hyper-parameters of the user's own types, which only the user may load
        return {}
    return whole if isinstance(whole, dict) else {}
