"""How a fit ended: what early stopping and the checkpoints say, under MLflow's names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

BEST_PATH = "best_model_path"


def of_early_stopping(trainer: Any) -> dict[str, float]:
    """Return when the first EarlyStopping stopped, and how far it had come; empty without one."""
    for each in trainer.early_stopping_callbacks:
        found = {"best_score": number(each.best_score), "wait_count": number(each.wait_count)}
        if stopped(each):
            found["stopped_epoch"] = float(each.stopped_epoch)
            found["restored_epoch"] = float(each.stopped_epoch - max(1, each.patience))
        return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}
    return {}


def stopped(early_stopping: Any) -> bool:
    """Whether it ended the training. Lightning before 2.6 gives no reason, and 0 for the first epoch too."""
    reason = getattr(early_stopping, "stopping_reason", None)
    return bool(getattr(reason, "value", reason)) or early_stopping.stopped_epoch > 0


def of_checkpoints(trainer: Any) -> dict[str, str]:
    """Return where the best checkpoint lies, as tags; empty without one."""
    for each in checkpoints(trainer):
        found = {BEST_PATH: each.best_model_path, "last_model_path": getattr(each, "last_model_path", "")}
        score = number(getattr(each, "best_model_score", None))
        if each.monitor is not None and score is not None:
            found |= {"checkpoint_monitor": str(each.monitor), "best_model_score": repr(score)}
        return {name: str(value) for name, value in found.items() if value}
    return {}


def checkpoints(trainer: Any, monitor: str | None = None) -> list[Any]:
    """Return the callbacks that keep checkpoints and know which is best; those for `monitor` first."""
    found = [each for each in _checkpoints(trainer) if each.best_model_path]
    return sorted(found, key=lambda each: (each.monitor != monitor, each.monitor is None))


def _checkpoints(trainer: Any) -> Iterator[Any]:
    for each in trainer.checkpoint_callbacks:
        if hasattr(each, "best_model_path") and hasattr(each, "monitor"):
            yield each


def number(value: Any) -> float | None:
    """A number, also one in a tensor: the training is over, and nothing waits any more."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None
