"""Points that come twice: a client of MLflow's repeats a request whose answer it did not get.

That wire has no token to tell a repetition by; MLflow's own server drops a point whose key, time, step and value are
all there. Here a repetition is known by its content, which costs a hash. What an earlier process of the server took
is not remembered, so the first points of a run that this process did not see begin are compared with the last ones
that the store has; with several workers, of which any may get the repetition, those of every request.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from hashlib import blake2b

from steno.contracts.stores import RunStore
from steno.errors import NotFound, StoreUnavailable
from steno.records import Batch, Series

REMEMBERED = 20_000
"""How many requests, and how many runs, are remembered."""

COMPARED = 1000
"""With how many of a metric's last points new ones are compared: as many as one request may bring."""

FIRST_S = 60.0
"""How long a repetition waits for the first of its kind, while that is being written."""


class Repeats:
    """Writes batches that came without a token. Its methods may be called from any thread.

    Args:
        store: Returns the store.
        alone: Whether no other process answers MLflow's clients too.
    """

    def __init__(self, store: Callable[[], RunStore], *, alone: bool) -> None:
        self._store = store
        self._alone = alone
        self._lock = threading.Lock()
        self._underway: dict[bytes, threading.Event] = {}
        self._written: OrderedDict[Hashable, None] = OrderedDict()
        self._begun: OrderedDict[Hashable, None] = OrderedDict()

    def began(self, run_id: str) -> None:
        """Take note of a run that was just created: nothing of it was recorded before."""
        with self._lock:
            _remember(self._begun, run_id)

    def write(self, run_id: str, batch: Batch) -> int:
        """Write a batch without the points that are there already, and return how many were new.

        Raises:
            StenoError: As `RunStore.write`; then the next request like it is the first.
        """
        if not batch.series:
            self._store().write(run_id, batch)
            return 0
        content = _content(run_id, batch)
        is_first, known = self._turn(content, run_id)
        try:
            if not is_first:
                batch.series = {}
            elif not known or batch.model_points:  # points of a run are told again to say that they are a model's too
                self._drop_stored(run_id, batch)
            self._store().write(run_id, batch)
            with self._lock:
                _remember(self._written, content)
                _remember(self._begun, run_id)
        finally:
            if is_first:
                with self._lock:
                    self._underway.pop(content).set()
        return sum(map(len, batch.series.values()))

    def _turn(self, content: bytes, run_id: str) -> tuple[bool, bool]:
        """Return whether this is the first request of its content, and whether all of its run's are remembered."""
        while True:
            with self._lock:
                if content in self._written:
                    return False, True
                first = self._underway.get(content)
                if first is None:
                    self._underway[content] = threading.Event()
                    return True, self._alone and run_id in self._begun
            if not first.wait(FIRST_S):
                raise StoreUnavailable("the same points are being written; send them again later")

    def _drop_stored(self, run_id: str, batch: Batch) -> None:
        """Take away the points that are among the last ones stored."""
        try:
            summaries = self._store().get_run(run_id).data.summaries
        except NotFound:
            return  # the write will tell
        for key, new in list(batch.series.items()):
            # What lies after the last point was never stored, and so it is nearly always.
            if key not in summaries or min(new.steps) > summaries[key].last_step:
                continue
            offset = max(0, summaries[key].count - COMPARED)
            stored = set(_points(self._store().metric_history(run_id, key, offset=offset)))
            kept = Series(key)
            for point, value in zip(_points(new), new.values, strict=True):
                if point not in stored:
                    kept.append(point[0], point[1], value)
            batch.series[key] = kept


def _points(series: Series) -> Iterator[tuple[int, int, int]]:
    """Yield step, time and the bits of the value, of which NaN has some too."""
    bits = array("Q", series.values.tobytes())
    return zip(series.steps, series.times, bits, strict=True)


def _content(run_id: str, batch: Batch) -> bytes:
    """Return what tells points from others. A model's are not looked at: the store itself takes each of them once."""
    found = blake2b(run_id.encode(), digest_size=16)
    for key, series in batch.series.items():
        found.update(f"{key}\0{len(series)}\0".encode())
        for column in (series.steps, series.times, series.values):
            found.update(column)
    return found.digest()


def _remember(known: OrderedDict[Hashable, None], what: Hashable) -> None:
    known[what] = None
    if len(known) > REMEMBERED:
        known.popitem(last=False)
