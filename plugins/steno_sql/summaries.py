"""What search reads of a series: its count, last value and extremes, kept exact as points arrive."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from steno.records import MetricSummary, Series

from steno_sql.blocks import BLOCK_SIZE, Block, merge


def summary_of(series: Series, blocks: Sequence[Block]) -> MetricSummary:
    """Return the summary of columns that hold at least one point. `blocks`: what `summarise` returns for them."""
    whole = merge(blocks)
    alone = len(series.values) == 1
    index = 0 if alone else _last_index(series.steps, series.times, series.values, blocks, whole.high_step)
    return MetricSummary(
        count=whole.size,
        last=series.values[index],
        last_step=series.steps[index],
        last_time=series.times[index],
        min=whole.min,
        min_step=whole.min_step,
        max=whole.max,
        max_step=whole.max_step,
    )


def joined(old: MetricSummary, new: MetricSummary) -> MetricSummary:
    """Return the summary of two stretches; of equal extremes the old one stays."""
    last = max(new, old, key=_rank)
    low = new if _beats(new.min < old.min, new.min, old.min) else old
    high = new if _beats(new.max > old.max, new.max, old.max) else old
    return MetricSummary(
        count=old.count + new.count,
        last=last.last,
        last_step=last.last_step,
        last_time=last.last_time,
        min=low.min,
        min_step=low.min_step,
        max=high.max,
        max_step=high.max_step,
    )


def _beats(better: bool, new: float, old: float) -> bool:
    return better or (old != old and new == new)


def _rank(summary: MetricSummary) -> tuple[int, int, bool, float]:
    return _point_rank(summary.last_step, summary.last_time, summary.last)


def _point_rank(step: int, time_ms: int, value: float) -> tuple[int, int, bool, float]:
    real = value == value
    return step, time_ms, real, value if real else 0.0


def _last_index(steps: array[int], times: array[int], values: array[float], blocks: Sequence[Block], top: int) -> int:
    """Find the largest (step, timestamp, value), looking only where the highest step occurs."""
    candidates = (
        index
        for number, block in enumerate(blocks)
        if block.high_step == top
        for index in range(number * BLOCK_SIZE, number * BLOCK_SIZE + block.size)
        if steps[index] == top
    )
    return max(candidates, key=lambda index: _point_rank(steps[index], times[index], values[index]))
