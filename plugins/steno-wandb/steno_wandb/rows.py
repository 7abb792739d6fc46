"""Series as rows: the points of one step and one time stand together, as Weights & Biases keeps its history."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from operator import itemgetter

from steno.records import Series

Row = tuple[int, int, dict[str, float]]
"""Step, time in milliseconds, values by key."""


def rows(series: Mapping[str, Series]) -> Iterator[Row]:
    """Yield every point once, those of each series in its order, and all by time as far as that allows."""
    columns = [zip(each.times, each.steps, repeat(key), each.values) for key, each in series.items()]
    points: Iterable[tuple[int, int, str, float]]
    points = columns[0] if len(columns) == 1 else heapq.merge(*columns, key=itemgetter(0, 1))
    at: tuple[int, int] | None = None
    values: dict[str, float] = {}
    for time_ms, step, key, value in points:
        if (time_ms, step) != at or key in values:
            if at is not None:
                yield at[1], at[0], values
            at, values = (time_ms, step), {}
        values[key] = value
    if at is not None:
        yield at[1], at[0], values
