"""What is asked and answered of charts, which MLflow's wire has no words for: series thinned, as columns."""

from __future__ import annotations

from msgspec import Struct

from steno.wire.entities import Double
from steno.wire.messages import Message

MOST_BUCKETS = 100_000
"""How many stretches all series of an answer may have together."""


class GetBuckets(Message, kw_only=True):
    """Ask for series of several runs, each cut into at most so many stretches.

    Attributes:
        start_step, end_step: Only points whose steps lie between them, both included, count.
    """

    run_ids: list[str]
    metric_keys: list[str]
    buckets: int = 1000
    start_step: int | None = None
    end_step: int | None = None


class Buckets(Struct):
    """One series of one run: of each stretch, in order of logging, its first and last point, extremes and length.

    Attributes:
        min_values, max_values: Never NaN where a stretch has a number; infinities are extremes like any other.
        min_steps, max_steps: Where the extremes are, of equal ones the first.
    """

    run_id: str
    key: str
    first_steps: list[int]
    last_steps: list[int]
    counts: list[int]
    last_values: list[Double]
    min_values: list[Double]
    min_steps: list[int]
    max_values: list[Double]
    max_steps: list[int]


class BucketsAnswer(Message, kw_only=True):
    """Those of the series that are there."""

    series: list[Buckets]
