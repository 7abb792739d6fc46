"""Which of the values that Lightning keeps are new: those of each step, and those of each epoch and validation."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import torch

from steno_lightning.values import Values, taken

EPOCH = "epoch"
RATE = "lr"
MOST_CAUGHT = 64
LONGEST_NS = 1_000_000_000  # what a process that is killed may lose


class Series:
    """Follows the metrics of one fit. The step of every point is the trainer's `global_step`: optimizer steps.

    Lightning's dictionaries are only read: its properties would compute, wait for a device, and talk to other ranks.
    They hold old values beside new ones, and what is new is a new tensor.

    Attributes:
        metrics: Whether to record metrics; not where a logger of ours gets them from Lightning.
        rates_may_change: Whether the learning rate is to be looked at before each batch.
    """

    def __init__(self, run: Any, every_n_steps: int, every_n_epochs: int, *, metrics: bool) -> None:
        self.values = Values(run)
        self.metrics = metrics
        self._every_n_steps, self._every_n_epochs = every_n_steps, max(1, every_n_epochs)
        self._seen: dict[str, Any] = {}
        self._caught: list[tuple[int, int, dict[str, Any], dict[str, Any]]] = []
        self._pending: dict[str, float | torch.Tensor] = {}
        self._automatic = True
        self._written = 0
        self._epoch = 0
        self._epoch_over = False
        self._rates: list[Any] = []
        self.rates_may_change = False

    def catch(self, trainer: Any) -> None:
        """Hold on to what is there between two batches; some are looked through at a time, which costs far less."""
        if not self.metrics:
            return
        logged, told = _kept(trainer)
        now = time.time_ns()
        caught = self._caught
        caught.append((now, trainer.global_step, logged.copy(), told.copy()))
        # A value with a graph would keep its batch in memory.
        graph = any(getattr(value, "requires_grad", False) for value in logged.values())
        if len(caught) >= MOST_CAUGHT or now - caught[0][0] > LONGEST_NS or graph:
            self._look_through()

    def step(self, trainer: Any) -> None:
        """Take what the last batch logged; it is recorded once the optimizer has made its step."""
        self.catch(trainer)
        self._look_through()

    def _look_through(self) -> None:
        caught, self._caught = self._caught, []
        # By hand, an optimizer may step as it likes, and past Lightning's count.
        every = not self._automatic and self._every_n_steps == 1
        for time_ns, step, logged, told in caught:
            for key, value in self._new(logged, told):
                # Of `loss`, logged by step and by epoch, a step has `loss_step`; `loss` is the epoch's.
                if f"{key}_step" not in told and f"{key}_step" not in logged:
                    number = taken(value)
                    # A validation that was read a second time gives new tensors too.
                    if not self.values.has(key, number, step):
                        self._pending[key] = number
            if self._pending and (every or step // self._every_n_steps > self._written // self._every_n_steps):
                self._written = step
                self.values.take(self._pending, step, time_ns // 1_000_000)
                self._pending = {}
        self.values.write()

    def whole(self, trainer: Any) -> None:
        """Record what is there of a whole epoch or validation."""
        self._take_whole(trainer)
        self.values.write()

    def _take_whole(self, trainer: Any) -> None:
        if not self.metrics:
            return
        found = {key: taken(value) for key, value in self._new(*_kept(trainer))}
        if self._epoch % self._every_n_epochs == 0:
            self.values.take(found, trainer.global_step, _now_ms())

    def begin_epoch(self, trainer: Any) -> None:
        """An epoch begins, and one may have ended."""
        self.record_epoch(trainer)
        self._epoch = trainer.current_epoch
        self._automatic = trainer.lightning_module.automatic_optimization
        # Without a scheduler, who changes the rate by hand is seen from epoch to epoch.
        self.rates_may_change = bool(trainer.lr_scheduler_configs) or not self._automatic
        self.rates(trainer)

    def end_epoch(self, trainer: Any) -> None:
        """The epoch is over; its means are there a little later."""
        self.step(trainer)
        self._epoch_over = True

    def record_epoch(self, trainer: Any) -> None:
        """Record the epoch that is over, if one is."""
        if self._epoch_over:
            self._epoch_over = False
            self._take_whole(trainer)
            if self.metrics and EPOCH not in self._seen:  # unless the user logs it
                self.values.take({EPOCH: float(self._epoch)}, trainer.global_step, _now_ms())
            self.values.write()
            self.values.send()

    def rates(self, trainer: Any) -> None:
        """Record the learning rate of the step to come, where it has changed."""
        rates = [_rate(optimizer) for optimizer in trainer.optimizers]
        if rates == self._rates:
            return
        before = self._rates or [None] * len(rates)
        self._rates = rates
        if RATE in self._seen or len(before) != len(rates):
            return
        for index, (rate, old) in enumerate(zip(rates, before, strict=True)):
            if rate != old and rate is not None:
                self.values.take({f"{RATE}/{index}" if index else RATE: rate}, trainer.global_step + 1, _now_ms())
        self.values.write()

    def _new(self, logged: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
        seen = self._seen
        for key, value in chain(told.items(), logged.items()):
            if seen.get(key) is not value and isinstance(value, torch.Tensor):
                # A key of both may have two tensors of one value; the first counts.
                if key in told and value is not told[key]:
                    continue
                seen[key] = value
                yield key, value

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_seen": {}, "_pending": {}, "_caught": []}


def _rate(optimizer: Any) -> float | None:
    """The learning rate of the first group; None where it is a tensor, whose value may be on a device."""
    rate = optimizer.param_groups[0].get(RATE)
    return float(rate) if isinstance(rate, int | float) else None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _kept(trainer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was logged for loggers, and for callbacks, as it lies there."""
    connector = trainer._logger_connector
    return connector._logged_metrics, connector._callback_metrics
