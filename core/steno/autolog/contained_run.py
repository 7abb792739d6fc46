"""What advice writes to: a run that never raises. What cannot be kept is cut or left out, and that is said once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steno.records import Batch, DatasetInput, Series

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

logger = logging.getLogger("steno.autolog")
LEFT_OUT = "steno.left_out"


class ContainedRun:
    """An open run, seen by advice and its callbacks. Thread-safe as the run is.

    What was left out first is told in the tag `steno.left_out`. Pickled, it becomes a handle on the same run.

    Attributes:
        active: The run itself.
        pid: The process it was opened in.
    """

    def __init__(self, active: ActiveRun) -> None:
        self.active = active
        self.run_id = active.run_id
        self.pid = os.getpid()
        self._warned = False

    def log_param(self, key: str, value: Any) -> None:
        """Record a param as text."""
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record params; those that conflict or have a bad key are left out."""
        self._each(self.active.log_params, params)

    def log_metric(self, key: str, value: float, step: int = 0, timestamp: int | None = None) -> None:
        """Record one point."""
        try:
            self.active.log_metric(key, value, step, timestamp)
        except Exception as error:  # advice
            self._left_out(key, error)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0, timestamp: int | None = None) -> None:
        """Record one point of each series."""
        self._each(lambda some: self.active.log_metrics(some, step, timestamp), metrics)

    def log_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Record points of many steps."""
        try:
            self.active.log_points(points)
        except Exception:  # advice: one of the keys, which is found and told so
            for key, step, time_ms, value in points:
                self.log_metric(key, value, step, time_ms)

    def log_series(self, series: Series) -> None:
        """Record a stretch of one metric."""
        try:
            self.active.log_series(series)
        except Exception as error:  # advice
            self._left_out(series.key, error)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""
        self._each(self.active.set_tags, tags)

    def log_input(self, dataset: DatasetInput) -> None:
        """Record a dataset."""
        try:
            self.active.log_input(dataset)
        except Exception as error:  # advice
            self._left_out(dataset.dataset.name, error)

    def log_file(self, path: str, content: bytes | Path) -> None:
        """Record an artifact."""
        try:
            self.active.log_file(path, content)
        except Exception as error:  # advice
            self._left_out(path, error)

    def add_child(self, child: Batch) -> str:
        """Record a whole run as a child, and return its id; empty if it could not be kept."""
        try:
            return self.active.add_child(child)
        except Exception as error:  # advice
            self._left_out("a child run", error)
            return ""

    def _each(self, log: Callable[[Mapping[str, Any]], None], values: Mapping[str, Any]) -> None:
        """Log all at once, and one by one if any is refused."""
        try:
            log(values)
            return
        except Exception as error:  # advice
            if len(values) == 1:
                self._left_out(next(iter(values)), error)
                return
        for key, value in values.items():
            try:
                log({key: value})
            except Exception as error:  # advice
                self._left_out(key, error)

    def _left_out(self, what: str, error: BaseException) -> None:
        level = logging.DEBUG if self._warned else logging.WARNING
        first, self._warned = not self._warned, True
        try:
            if first:
                self.active.set_tags({LEFT_OUT: f"{what[:80]}: {error}"[:500]})
            logger.log(level, "run %s: %.80s was left out: %s (said once a run)", self.run_id, what, error)
        except Exception:  # advice: a logging handler of the user's may raise
            return

    def __reduce__(self) -> tuple[Callable[..., ContainedRun], tuple[ActiveRun]]:
        # Callbacks of a framework travel to its workers with their run.
        return ContainedRun, (self.active,)


class NoRun:
    """Stands in where no run could be opened: takes everything and keeps nothing."""

    run_id = ""

    def log_param(self, key: str, value: Any) -> None:
        """Keep nothing."""

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def log_metric(self, key: str, value: float, step: int = 0, timestamp: int | None = None) -> None:
        """Keep nothing."""

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0, timestamp: int | None = None) -> None:
        """Keep nothing."""

    def log_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Keep nothing."""

    def log_series(self, series: Series) -> None:
        """Keep nothing."""

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def log_input(self, dataset: DatasetInput) -> None:
        """Keep nothing."""

    def log_file(self, path: str, content: bytes | Path) -> None:
        """Keep nothing."""

    def add_child(self, child: Batch) -> str:
        """Keep nothing."""
        return ""
