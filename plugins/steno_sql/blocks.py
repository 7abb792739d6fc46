"""Summaries of short stretches of a series, so that a chart of a million points decodes none of them.

A stretch knows its extremes and where they are; NaN is no extreme unless there is nothing else.
"""

from __future__ import annotations

import operator
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from steno.records import MetricBucket

BLOCK_SIZE = 256

_LAYOUT = struct.Struct("<7q3d")
_NAN = float("nan")


class Block(NamedTuple):
    """A stretch: its first and last point as logged, the range of its steps, and its extremes."""

    size: int
    first_step: int
    last_step: int
    low_step: int
    high_step: int
    min_step: int
    max_step: int
    last: float
    min: float
    max: float


def summarise(steps: array[int], values: array[float], size: int = BLOCK_SIZE) -> list[Block]:
    """Cut columns into stretches of `size` points and summarise each."""
    cuts = range(0, len(values), size)
    return [_block(steps[cut : cut + size].tolist(), values[cut : cut + size].tolist()) for cut in cuts]


def _block(steps: list[int], values: list[float]) -> Block:
    if len(values) == 1:  # what nearly every request of MLflow's clients brings
        return Block(1, *steps * 6, *values * 3)
    total = sum(values)
    real = values if total == total else [value for value in values if value == value]
    low, high = (min(real), max(real)) if real else (_NAN, _NAN)
    rising = sorted(steps)  # they mostly are already, and then this is faster than min() and max()
    return Block(
        size=len(values),
        first_step=steps[0],
        last_step=steps[-1],
        low_step=rising[0],
        high_step=rising[-1],
        min_step=steps[values.index(low)] if real else steps[0],
        max_step=steps[values.index(high)] if real else steps[0],
        last=values[-1],
        min=low,
        max=high,
    )


def pack_blocks(blocks: Iterable[Block]) -> bytes:
    """Return stretches as bytes."""
    return b"".join([_LAYOUT.pack(*block) for block in blocks])


def unpack_blocks(packed: bytes) -> Iterator[Block]:
    """Return the stretches that were packed."""
    return map(Block._make, _LAYOUT.iter_unpack(packed))


def merge(blocks: Sequence[Block]) -> Block:
    """Return the summary of consecutive stretches; of equal extremes the earlier one counts.

    Raises:
        ValueError: There are none.
    """
    if len(blocks) == 1:
        return blocks[0]
    real = [block for block in blocks if block.min == block.min] or blocks
    smallest = min(real, key=operator.attrgetter("min"))
    largest = max(real, key=operator.attrgetter("max"))
    return Block(
        size=sum(block.size for block in blocks),
        first_step=blocks[0].first_step,
        last_step=blocks[-1].last_step,
        low_step=min(block.low_step for block in blocks),
        high_step=max(block.high_step for block in blocks),
        min_step=smallest.min_step,
        max_step=largest.max_step,
        last=blocks[-1].last,
        min=smallest.min,
        max=largest.max,
    )


def thin(blocks: Sequence[Block], buckets: int) -> list[MetricBucket]:
    """Merge neighbours until at most `buckets` are left, all of nearly the same length."""
    count = len(blocks)
    groups = min(buckets, count)
    cuts = [count * group // groups for group in range(groups + 1)] if groups else []
    return [_bucket(merge(blocks[start:end])) for start, end in pairwise(cuts)]


def _bucket(block: Block) -> MetricBucket:
    return MetricBucket(
        first_step=block.first_step,
        last_step=block.last_step,
        count=block.size,
        last=block.last,
        min=block.min,
        min_step=block.min_step,
        max=block.max,
        max_step=block.max_step,
    )
