"""A series as one line of blocks in which no extreme is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steno.records import MetricBucket

BLOCKS = "▁▂▃▄▅▆▇█"
_NAN, _UP, _DOWN = "x", "↑", "↓"


def sparkline(buckets: Sequence[MetricBucket]) -> str:
    """One character a bucket, on a scale from the smallest finite value to the largest.

    A bucket shows whichever of its extremes stands out more from what was shown before, and the buckets of
    the overall minimum and maximum show those, so a spike of one point in a million stays in sight.
    A bucket of nothing but NaN is x, one that reaches an infinity ↑ or ↓.
    """
    extremes = [value for bucket in buckets for value in (bucket.min, bucket.max) if math.isfinite(value)]
    low, high = (min(extremes), max(extremes)) if extremes else (0.0, 0.0)
    line, previous = [], math.nan
    for bucket in buckets:
        previous = _shown(bucket, previous, low, high)
        line.append(_character(previous, low, high))
    return "".join(line)


def _shown(bucket: MetricBucket, previous: float, low: float, high: float) -> float:
    for infinite in (bucket.max, bucket.min):
        if math.isinf(infinite):
            return infinite
    holds_low, holds_high = bucket.min == low, bucket.max == high
    if holds_low != holds_high:
        return low if holds_low else high
    if not math.isfinite(previous):
        return bucket.last if math.isfinite(bucket.last) else bucket.max
    return max(bucket.min, bucket.max, key=lambda value: abs(value - previous))


def _character(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return _NAN
    if math.isinf(value):
        return _UP if value > 0 else _DOWN
    # Halved, so that the width of the widest range a float can span does not overflow.
    width = high / 2 - low / 2
    share = (value / 2 - low / 2) / width if width else 0.5
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]
