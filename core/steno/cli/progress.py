"""A progress bar for what takes longer than a second, on a terminal; silence otherwise."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DELAY_S = 1.0


@contextmanager
def progress(
    description: str, total: int | None = None, *, delay_s: float = DELAY_S
) -> Iterator[Callable[[int], None]]:
    """Show that work goes on, from the second second.

    Yields:
        A function to call with the amount of work just done; also fine never to call it.
    """
    if not sys.stderr.isatty():
        yield lambda amount: None
        return
    bar = _Bar(description, total)
    timer = threading.Timer(delay_s, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield bar.advance
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


class _Bar:
    """Counts from the start, shows itself when told."""

    def __init__(self, description: str, total: int | None) -> None:
        self._description, self._total = description, total
        self._done = 0
        self._shown: tuple[Progress, TaskID] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        bar = Progress(*columns[: 4 if self._total else 2], console=Console(stderr=True), transient=True)
        with self._lock:
            task = bar.add_task(self._description, total=self._total, completed=self._done)
            self._shown = bar, task
            bar.start()

    def advance(self, amount: int) -> None:
        with self._lock:
            self._done += amount
            if self._shown is not None:
                bar, task = self._shown
                bar.update(task, completed=self._done)

    def stop(self) -> None:
        if self._shown is not None:
            self._shown[0].stop()
