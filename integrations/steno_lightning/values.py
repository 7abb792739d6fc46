"""Values on their way to the run: a number on the CPU at once, one on a device when it has come over by itself."""

from __future__ import annotations

from typing import Any

import torch
from msgspec import Struct
from steno.tracking.deferred import deferred

MOST_HELD = 1000  # some 500 bytes each


class _Held(Struct):
    """A value that is still on a device: a copy, so that nothing of the training is kept alive."""

    key: str
    step: int
    time_ms: int
    value: torch.Tensor


class _Moving(Struct):
    """Values on their way to the host, in the order of `held`; `arrived` is None where the way is not watched."""

    held: list[_Held]
    host: torch.Tensor
    arrived: Any


class Values:
    """Writes values to a run without making the training wait for a device. For one thread."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self._held: list[_Held] = []
        self._moving: list[_Moving] = []
        self._last: dict[str, tuple[int, float | None]] = {}
        self._known: list[tuple[str, int, int, float]] = []

    def take(self, found: dict[str, float | torch.Tensor], step: int, time_ms: int) -> None:
        """Take a point of each series, for `write`; one that is there already, read a second time, is left out."""
        for key, value in found.items():
            if self.has(key, value, step):
                continue
            self._last[key] = _mark(value, step)
            if isinstance(value, torch.Tensor):
                self._held.append(_Held(key, step, time_ms, value))
            else:
                self._known.append((key, step, time_ms, value))

    def write(self) -> None:
        """Record what was taken: the points of many steps together cost a fraction of what each would alone."""
        known, self._known = self._known, []
        if known:
            self.run.log_points(known)
        if len(self._held) >= MOST_HELD:
            self.send()

    def has(self, key: str, value: float | torch.Tensor, step: int) -> bool:
        """Whether the last point of a series is this one; of a device's values, the step has to do."""
        return self._last.get(key) == _mark(value, step)

    def send(self) -> None:
        """Set what is held on its way, and record what has arrived."""
        if not self._held and not self._moving:
            return
        held, self._held = self._held, []
        by_device: dict[torch.device, list[_Held]] = {}
        for each in held:
            by_device.setdefault(each.value.device, []).append(each)
        self._moving += [_send(device, group) for device, group in by_device.items()]
        while self._moving and (self._moving[0].arrived is None or self._moving[0].arrived.query()):
            self._receive(self._moving.pop(0))

    def finish(self) -> None:
        """Record everything; waits for the device, so only after the training."""
        self.write()
        self.send()
        for moving in self._moving:
            moving.arrived.synchronize()
            self._receive(moving)
        self._moving.clear()

    def finish_later(self) -> None:
        """Record the rest from another thread: what ended the training may keep the device from ever answering."""
        active = getattr(self.run, "active", None)
        if active is not None and (self._moving or self._held or self._known):
            deferred.submit(active, self._finish_on)

    def _finish_on(self, handle: Any) -> None:
        self.run = handle
        self.finish()

    def _receive(self, moving: _Moving) -> None:
        values = zip(moving.held, moving.host.tolist(), strict=True)
        self.run.log_points([(each.key, each.step, each.time_ms, value) for each, value in values])

    def __getstate__(self) -> dict[str, Any]:
        return {"run": self.run, "_held": [], "_moving": [], "_last": {}, "_known": []}


def taken(value: torch.Tensor) -> float | torch.Tensor:
    """Return a value that stays as it is: the number itself, or a copy on the device."""
    return value.item() if value.is_cpu else value.detach().clone()


def _mark(value: float | torch.Tensor, step: int) -> tuple[int, float | None]:
    return step, None if isinstance(value, torch.Tensor) else value


def _send(device: torch.device, group: list[_Held]) -> _Moving:
    stacked = torch.stack([each.value.reshape(()).to(torch.float64) for each in group])
    if device.type != "cuda":  # no way to be told of the arrival: this waits
        return _Moving(group, stacked.cpu(), None)
    host = torch.empty(stacked.shape, dtype=stacked.dtype, pin_memory=True)
    host.copy_(stacked, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record(torch.cuda.current_stream(device))
    return _Moving(group, host, arrived)
