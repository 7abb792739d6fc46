"""The points of a run in the order they arose: numbers at once, a device's values once they have arrived."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from steno.contracts.integration import Run
from steno.records import Series

from steno_torch.tensors import Value, unseen

Point: TypeAlias = tuple[str, int, int, float]
"""(key, step, time in milliseconds, value)."""
WINDOW = 64
_MOST_KEPT = 10_000


class _Point:
    """One value on its way; `then` is told the number."""

    __slots__ = ("key", "step", "then", "time_ms", "value")

    def __init__(
        self, key: str, value: Value | None, step: int, time_ms: int, then: Callable[[float], None] | None
    ) -> None:
        self.key, self.value, self.step, self.time_ms, self.then = key, value, step, time_ms, then


class _Window:
    """Values of one device that are being copied to the host.

    Attributes:
        points: What they belong to.
        host: Where they arrive.
        arrived: The event that tells so; None where the device has none, and reading waits.
    """

    __slots__ = ("arrived", "host", "points")

    def __init__(self, points: list[_Point], host: torch.Tensor, arrived: Any) -> None:
        self.points, self.host, self.arrived = points, host, arrived


class Points:
    """Takes the points of one run, from one thread; others may ask for what is on its way.

    On a device a value is a copy of four bytes. A full window of them is stacked and sent to pinned memory in the
    stream that made them, and read when its event says that it is there. So nothing waits, and what is held does not
    grow. Points that come before there is a run are kept.

    Attributes:
        run: Where they go; None before there is one.
    """

    def __init__(self) -> None:
        self.run: Run | None = None
        self._kept: list[tuple[str, float, int, int]] = []
        self._held: list[_Point] = []
        self._place: tuple[torch.device, torch.dtype, int] | None = None
        self._sent: deque[_Window] = deque()
        self._spare: list[torch.Tensor] = []
        self._lock = threading.RLock()  # a signal handler of the user's may read the run

    def add(self, key: str, value: Value, step: int, time_ns: int, then: Callable[[float], None] | None = None) -> None:
        """Record a point now, or when its value is known; without a key, `then` is told all the same."""
        if type(value) is float:
            if self.run is not None:
                self.run.log_metric(key, value, step, time_ns // 1_000_000)
            else:
                self._keep(key, value, step, time_ns // 1_000_000)
            if then is not None:
                then(value)
            return
        assert isinstance(value, torch.Tensor)
        self._hold(_Point(key, value, step, time_ns // 1_000_000, then), value)

    def add_many(self, points: list[Point]) -> None:
        """Record points whose values are known."""
        if self.run is not None:
            self.run.log_points(points)
            return
        for key, step, time_ms, value in points:
            self._keep(key, value, step, time_ms)

    def add_columns(self, series: Series) -> None:
        """Record points of one series whose values are known. There is a run."""
        assert self.run is not None
        self.run.log_series(series)

    def add_all(self, values: dict[str, float], step: int, time_ns: int) -> None:
        """Record points of several series that arose together, some time ago."""
        if self.run is not None:
            self.run.log_metrics(values, step, timestamp=time_ns // 1_000_000)
            return
        for key, value in values.items():
            self._keep(key, value, step, time_ns // 1_000_000)

    def after(self, then: Callable[[], None]) -> None:
        """Do something once every point until now is recorded: at once, or when the device's values are there."""
        with self._lock:
            waits = bool(self._held or self._sent)
            if waits:
                self._held.append(_Point("", None, 0, 0, lambda _: then()))
        if not waits:
            then()

    def open(self, run: Run) -> None:
        """There is a run now: what was kept goes into it, with the times it had."""
        kept, self._kept = self._kept, []
        for key, value, step, time_ms in kept:
            run.log_metric(key, value, step, timestamp=time_ms)
        self.run = run

    def drain(self) -> None:
        """Record everything, also what the device still has to compute; waits for it, so never called by a step."""
        with self._lock:
            self._send()
            sent, self._sent = list(self._sent), deque()
        for window in sent:
            if window.arrived is not None:
                window.arrived.synchronize()
            self._record(window)

    def _keep(self, key: str, value: float, step: int, time_ms: int) -> None:
        if len(self._kept) < _MOST_KEPT:
            self._kept.append((key, value, step, time_ms))

    def _hold(self, point: _Point, value: torch.Tensor) -> None:
        place = (value.device, value.dtype, _stream_of(value))
        arrived: list[_Window] = []
        with self._lock:
            if place != self._place:
                self._send()
                self._place = place
            self._held.append(point)
            if len(self._held) >= WINDOW:
                self._send()
            while self._sent and self._is_here(self._sent[0]):
                arrived.append(self._sent.popleft())
        for window in arrived:
            self._record(window)
            if window.arrived is not None:
                self._spare.append(window.host)

    @staticmethod
    def _is_here(window: _Window) -> bool:
        return not len(window.host) or (window.arrived is not None and bool(window.arrived.query()))

    def _send(self) -> None:
        """Let the held values go to the host."""
        points, self._held = self._held, []
        values = [point.value for point in points if isinstance(point.value, torch.Tensor)]
        for point in points:
            point.value = None if point.value is None else 0.0
        if not values or self._place is None:
            if points:
                self._sent.append(_Window(points, torch.empty(0), None))
            return
        with unseen():
            self._sent.append(self._copy(points, values, *self._place))

    def _copy(
        self, points: list[_Point], values: list[torch.Tensor], device: torch.device, dtype: torch.dtype, stream: int
    ) -> _Window:
        if device.type != "cuda":
            return _Window(points, torch.stack(values), None)
        with torch.cuda.stream(torch.cuda.ExternalStream(stream, device=device)):
            host = self._host(len(values), dtype)
            host.copy_(torch.stack(values), non_blocking=True)
            event = torch.cuda.Event()
            event.record()
        return _Window(points, host, event)

    def _host(self, count: int, dtype: torch.dtype) -> torch.Tensor:
        # Page-locked memory is asked for a few times only: the driver may wait for the device then.
        for index, buffer in enumerate(self._spare):
            if buffer.dtype == dtype and len(buffer) == count:
                return self._spare.pop(index)
        return torch.empty(count, dtype=dtype, device="cpu", pin_memory=True)

    def _record(self, window: _Window) -> None:
        numbers = iter(window.host.tolist())
        for point in window.points:
            value = float(next(numbers)) if point.value is not None else 0.0
            if point.value is not None and point.key:
                if self.run is not None:
                    self.run.log_metric(point.key, value, point.step, timestamp=point.time_ms)
                else:
                    self._keep(point.key, value, point.step, point.time_ms)
            if point.then is not None:
                point.then(value)


def _stream_of(value: torch.Tensor) -> int:
    return int(torch._C._cuda_getCurrentRawStream(value.device.index or 0)) if value.is_cuda else 0
