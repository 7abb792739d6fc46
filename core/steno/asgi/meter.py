"""What the server counts of its own work, in the text format that Prometheus reads.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import os
import resource
import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
"""The label of all requests that met no route: a path that someone made up is no label."""
NONE: Mapping[str, str] = {}


class Meter:
    """The counters of one process; with several workers each tells of itself, by its process id.

    Args:
        workers: How many processes there are.
        prefix: What the names of the measures of requests begin with.
        totals: What else is counted: what it is, by the name of its measure.
    """

    def __init__(self, workers: int = 1, prefix: str = "steno", totals: Mapping[str, str] = NONE) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._durations: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._prefix = prefix
        self._told = dict(totals)
        self._totals: Counter[str] = Counter(dict.fromkeys(totals, 0))
        self._own = f'pid="{os.getpid()}"' if workers > 1 else ""

    def answered(self, route: str, method: str, status: int, duration_s: float) -> None:
        """Count a request. `route` is a path of the table, never what was sent."""
        with self._lock:
            self._requests[route, method, status] += 1
            buckets = self._durations.get(route)
            if buckets is None:
                buckets = self._durations[route] = [0] * (len(BUCKETS_S) + 1)
            buckets[bisect_left(BUCKETS_S, duration_s)] += 1
            self._seconds[route] += duration_s

    def count(self, name: str, amount: float = 1) -> None:
        """Add to one of the totals."""
        with self._lock:
            self._totals[name] += amount  # type: ignore[assignment]  # seconds are no whole number

    def set(self, name: str, amount: float) -> None:
        """Tell one of the totals that somebody else counts."""
        with self._lock:
            self._totals[name] = amount  # type: ignore[assignment]

    def text(self) -> str:
        """Return everything as Prometheus reads it."""
        with self._lock:
            return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        name = f"{self._prefix}_requests_total"
        yield from _head(name, "counter", "Requests that were answered.")
        for (route, method, status), count in self._requests.items():
            yield self._line(name, count, f'route="{route}",method="{method}",status="{status}"')
        name = f"{self._prefix}_request_duration_seconds"
        yield from _head(name, "histogram", "How long requests took.")
        for route, buckets in self._durations.items():
            below = 0
            for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), buckets, strict=True):
                below += count
                yield self._line(f"{name}_bucket", below, f'route="{route}",le="{bound}"')
            yield self._line(f"{name}_sum", self._seconds[route], f'route="{route}"')
            yield self._line(f"{name}_count", below, f'route="{route}"')
        for name, told in self._told.items():
            yield from _head(name, "counter", told)
            yield self._line(name, self._totals[name])
        yield from _head("process_resident_memory_bytes", "gauge", "Resident memory.")
        yield self._line("process_resident_memory_bytes", _resident_bytes())
        yield from _head("process_cpu_seconds_total", "counter", "Time on processors.")
        yield self._line("process_cpu_seconds_total", time.process_time())

    def _line(self, name: str, value: float, labels: str = "") -> str:
        every = ",".join(part for part in (labels, self._own) if part)
        return f"{name}{{{every}}} {value}" if every else f"{name} {value}"


def _head(name: str, kind: str, told: str) -> tuple[str, str]:
    return f"# HELP {name} {told}", f"# TYPE {name} {kind}"


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # no Linux: the most it ever was
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
