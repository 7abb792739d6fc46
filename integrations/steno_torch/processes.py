"""This process among others: whether another records the training, and how it ends as a worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from steno import settings
from steno.errors import InvalidValue


def is_recorded_elsewhere() -> bool:
    """Whether rank 0 of a process group records this training. Asks nobody: the rank is known here."""
    from torch import distributed

    if not distributed.is_available() or not distributed.is_initialized() or distributed.get_rank() == 0:
        return False
    try:
        return not settings.load().record_all_ranks
    except InvalidValue:
        return True


_watched = 0


def end_with_worker(end: Callable[[BaseException | None], None]) -> None:
    """Call `end` when this process ends, if it is a worker of multiprocessing: those leave without exit handlers."""
    global _watched
    if _watched == os.getpid():
        return
    _watched = os.getpid()
    # Read from sys.modules: what was started by multiprocessing has it.
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None:
        return
    from multiprocessing import util

    # Its finalizers run while the error that ends the worker is on its way. Before those that deliver.
    util.Finalize(None, lambda: end(sys.exc_info()[1]), exitpriority=10)
