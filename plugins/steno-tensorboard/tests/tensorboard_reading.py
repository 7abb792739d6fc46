"""What TensorBoard reads of a run, and what the store has of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import steno

Point = tuple[int, int, bytes]


def folder_of(run_id: str, root: str | Path = "tensorboard") -> Path:
    """The one folder of a run."""
    (found,) = Path(root).rglob(f"*-{run_id[-10:]}")
    return found


def accumulated(folder: Path) -> Any:
    """TensorBoard's own reader, with everything kept."""
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, TENSORS, EventAccumulator

    return EventAccumulator(str(folder), size_guidance={SCALARS: 0, TENSORS: 0}).Reload()


def mirrored(run_id: str, root: str | Path = "tensorboard") -> dict[str, list[Point]]:
    """Every series as TensorBoard has it: step, time in milliseconds, the bytes of a 32-bit value."""
    reader = accumulated(folder_of(run_id, root))
    return {
        tag: [(e.step, round(e.wall_time * 1000), struct.pack("<f", e.value)) for e in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }


def stored(run_id: str) -> dict[str, list[Point]]:
    """Every series as the store has it, its values in the 32 bits that TensorBoard keeps."""
    client = steno.Client()
    with np.errstate(over="ignore"):
        return {
            key: [
                (m.step, m.timestamp, np.float32(m.value).astype("<f4").tobytes())
                for m in client.get_metric_history(run_id, key)
            ]
            for key in client.get_run(run_id).data.metrics
        }


def hparams(run_id: str) -> tuple[dict[str, Any], int]:
    """The hyperparameters of a run as the HPARAMS tab reads them, and its status."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    metadata = accumulated(folder_of(run_id)).SummaryMetadata
    start = HParamsPluginData.FromString(metadata("_hparams_/session_start_info").plugin_data.content)
    end = HParamsPluginData.FromString(metadata("_hparams_/session_end_info").plugin_data.content)
    values = start.session_start_info.hparams
    return {key: getattr(value, value.WhichOneof("kind")) for key, value in values.items()}, end.session_end_info.status


def log_in_child(run: Any, value: float) -> None:
    """What another process does with a run."""
    run.log_metric("of child", value)
    steno.flush()
