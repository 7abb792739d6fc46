"""A series thinned for a chart: by a steno server, or here, since MLflow's servers send every point."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steno.records import MetricBucket, Series
from steno.wire import coding
from steno.wire.chart_messages import Buckets

_Point = tuple[int, float]


def received(shown: Buckets) -> list[MetricBucket]:
    """Return the stretches that a steno server sent as columns."""
    last, low, high = (map(coding.undouble, each) for each in (shown.last_values, shown.min_values, shown.max_values))
    rows = zip(
        shown.first_steps,
        shown.last_steps,
        shown.counts,
        last,
        low,
        shown.min_steps,
        high,
        shown.max_steps,
        strict=True,
    )
    return [MetricBucket(*row) for row in rows]


def thinned(series: Series, buckets: int, first_step: int | None, last_step: int | None) -> list[MetricBucket]:
    """Return at most `buckets` stretches of equal length; none loses its smallest, largest or last value."""
    points = [
        (step, value)
        for step, value in zip(series.steps, series.values, strict=True)
        if (first_step is None or step >= first_step) and (last_step is None or step <= last_step)
    ]
    if not points:
        return []
    size = math.ceil(len(points) / buckets)
    return [_bucket(points[at : at + size]) for at in range(0, len(points), size)]


def _bucket(points: Sequence[_Point]) -> MetricBucket:
    real = [(value, step) for step, value in points if not math.isnan(value)] or [(math.nan, points[0][0])]
    low, high = min(real, key=lambda point: point[0]), max(real, key=lambda point: point[0])
    steps = [step for step, _ in points]
    return MetricBucket(min(steps), max(steps), len(points), points[-1][1], low[0], low[1], high[0], high[1])
