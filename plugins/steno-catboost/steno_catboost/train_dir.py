"""The tables that CatBoost writes beside a training (`catboost_info/`): read after it, and only if it wrote them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MOST_BYTES = 4 << 20
_SLACK_S = 0.05  # clocks of file systems tick in hundredths
Table = tuple[list[int], dict[str, list[float]]]


class TrainDir:
    """The folder a training writes to. Made before the training, so that tables of an earlier one do not count."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._writes = params.get("allow_writing_files", True) is not False
        place = params.get("train_dir")
        self.path = Path(place if isinstance(place, str | Path) else "catboost_info").absolute()
        self._began_s = time.time()

    def table(self, name: str, below: str = "") -> Table | None:
        """Return the iterations and columns of a table; None if this training wrote none, or not to its end."""
        path = self.path / below / name
        try:
            found = path.stat()
            if not self._writes or found.st_mtime < self._began_s - _SLACK_S or found.st_size > _MOST_BYTES:
                return None
            return _parsed(path.read_text("utf-8"))
        except (OSError, ValueError, IndexError):  # another training may be writing to it
            return None

    def times_ms(self, iterations: int) -> list[int] | None:
        """Return when each iteration ended; None if that is not known."""
        table = self.table("time_left.tsv")
        now_s = time.time()
        if table is None or table[0] != list(range(iterations)):
            return None
        passed = table[1].get("Passed", [])
        if passed != sorted(passed) or not passed or passed[-1] / 1000 > now_s - self._began_s + _SLACK_S:
            return None
        # The clock of the table starts with the first iteration, some time after the call: its end is better known.
        first_ms = max(self._began_s * 1000, self._mtime_ms("time_left.tsv") - passed[-1])
        return [int(first_ms + each) for each in passed]

    @staticmethod
    def now_ms() -> int:
        """Return the time."""
        return time.time_ns() // 1_000_000

    def _mtime_ms(self, name: str) -> float:
        try:
            return (self.path / name).stat().st_mtime * 1000
        except OSError:
            return 0.0


def _parsed(text: str) -> Table:
    head, *lines = [line.split("\t") for line in text.splitlines()]
    if head[0].strip() != "iter":
        raise ValueError("no table of iterations")
    columns: dict[str, list[float]] = {name: [] for name in head[1:]}
    iterations = []
    for line in lines:
        if len(line) != len(head):
            break  # the last line of a training that was stopped
        iterations.append(int(line[0]))
        for name, value in zip(head[1:], line[1:], strict=True):
            columns[name].append(float(value))
    return iterations, columns
