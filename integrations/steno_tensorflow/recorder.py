"""The callback that records a training: each epoch, and single batches where they were asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import keras
from steno.autolog import contained
from steno.contracts.integration import Run

RATE = "learning_rate"
BATCH_SUFFIX = "_step"
_NOT_IN_KEYS = re.compile(r"[^/\w.\- :]")


def numbers(run: Run, logs: Mapping[str, Any] | None) -> dict[str, float]:
    """Return what of Keras's logs is a number, under keys a store takes; the run says what is none."""
    found: dict[str, float] = {}
    for name, value in (logs or {}).items():
        if type(value) is float or type(value) is int:
            found[clean_key(name)] = float(value)
            continue
        try:
            found[clean_key(name)] = float(value)
        except Exception as error:  # advice: a `train_step` of the user's may return anything
            left_out(run, str(name), error)
    return found


@lru_cache(4096)
def clean_key(name: str) -> str:
    """Return a metric's name as a store takes it, as MLflow writes it: `recall@3` is `recall_at_3`."""
    return _NOT_IN_KEYS.sub("_", name.replace("@", "_at_"))[:250]


def left_out(run: Run, what: str, why: object) -> None:
    """Say on the run that something could not be recorded."""
    run.set_tags({"steno.left_out": f"{what[:80]}: {why}"[:500]})


def rate_of(optimizer: Any) -> float | None:
    """Return the learning rate now: of a schedule, what it gives for the next step."""
    rate = getattr(optimizer, RATE, None)
    return None if rate is None else float(rate)


@contained
class Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Records what each epoch ends with.

    It has no hook for batches: Keras would else wait for the values of every batch.

    Attributes:
        history: The values of each epoch that was recorded.
        checkpoints: What writes checkpoints, if some are wanted.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.history: dict[int, dict[str, float]] = {}
        self.checkpoints: Any = None
        self._rate: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Read the learning rate: at the epoch's end it may be the next one's."""
        self._rate = None
        self._rate = rate_of(getattr(self.model, "optimizer", None))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the epoch."""
        values = numbers(self.run, logs)
        if self._rate is not None:
            values.setdefault(RATE, self._rate)
        self.history[epoch] = values
        self.run.log_metrics(values, step=epoch)
        if self.checkpoints is not None:
            self.checkpoints.after_epoch(self.model, epoch, values)


@contained
class BatchRecorder(Recorder):
    """Records every n-th batch too; its step counts the batches of all epochs.

    Attributes:
        async_safe: Keras may call it on its own threads, and keep its way of not waiting for batches.
    """

    async_safe = True

    def __init__(self, run: Run, every: int, *, epochs: bool) -> None:
        super().__init__(run)
        self._every = every
        self._epochs = epochs
        self._before = 0  # batches of the epochs that are over
        self._last = -1  # batch of this epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the batch if its turn has come; one that stands for several counts if one of them has."""
        self._last = max(self._last, batch)
        step = self._before + batch
        # By arithmetic alone: Keras's threads may bring batches out of order.
        at_once = max(1, getattr(self._model, "steps_per_execution", 1) or 1)
        if (step + 1) // self._every > (step + 1 - at_once) // self._every:
            suffix = BATCH_SUFFIX if self._epochs else ""
            values = {f"{name}{suffix}": value for name, value in numbers(self.run, logs).items()}
            self.run.log_metrics(values, step=step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the epoch; without epochs only what its validation gave."""
        self._before, self._last = self._before + self._last + 1, -1
        if not self._epochs:
            logs = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
        super().on_epoch_end(epoch, logs)
