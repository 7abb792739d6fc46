"""Series for charts: so few stretches that a page can draw them at once, and no extreme lost."""

from __future__ import annotations

from collections.abc import Sequence

from steno.errors import InvalidValue, NotFound
from steno.records import MetricBucket
from steno.tracking import limits
from steno.wire import chart_messages as c
from steno.wire import coding

from steno_server.service import Service

MOST_NAMED = 100
"""How many runs, and how many metrics, one request may name."""


def get_buckets(service: Service, ask: c.GetBuckets) -> c.BucketsAnswer:
    """Return series thinned for a chart; nothing for a run or metric that is not known."""
    run_ids = _named("run_ids", map(limits.run_id, ask.run_ids))
    keys = _named("metric_keys", ask.metric_keys)
    most = c.MOST_BUCKETS // (len(run_ids) * len(keys))
    if not 1 <= ask.buckets <= most:
        raise InvalidValue(
            f"buckets must be between 1 and {most} for {len(run_ids) * len(keys)} series, not {ask.buckets}"
        )
    first, last = ask.start_step, ask.end_step
    if first is not None and last is not None and first > last:
        raise InvalidValue(f"start_step {first} is above end_step {last}")
    found = []
    for run_id in run_ids:
        for key in keys:
            try:
                some = service.store.metric_buckets(run_id, key, ask.buckets, first_step=first, last_step=last)
            except NotFound:
                break
            if some:
                found.append(_columns(run_id, key, some))
    return c.BucketsAnswer(series=found)


def _named(what: str, given: Sequence[str] | map[str]) -> list[str]:
    found = list(dict.fromkeys(given))
    if not 1 <= len(found) <= MOST_NAMED:
        raise InvalidValue(f"{what} names 1 to {MOST_NAMED}, not {len(found)}")
    return found


def _columns(run_id: str, key: str, some: Sequence[MetricBucket]) -> c.Buckets:
    return c.Buckets(
        run_id,
        key,
        first_steps=[each.first_step for each in some],
        last_steps=[each.last_step for each in some],
        counts=[each.count for each in some],
        last_values=[coding.double(each.last) for each in some],
        min_values=[coding.double(each.min) for each in some],
        min_steps=[each.min_step for each in some],
        max_values=[coding.double(each.max) for each in some],
        max_steps=[each.max_step for each in some],
    )
