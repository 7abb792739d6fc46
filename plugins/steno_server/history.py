"""The calls that read series."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec
from steno.contracts.stores import RunStore
from steno.errors import InvalidValue, NotFound
from steno.records import Series
from steno.tracking import limits
from steno.wire import coding, entities
from steno.wire import messages as m

from steno_server import asking
from steno_server.service import Service

MOST_RUNS = 100
MOST_BULK = 25_000
MOST_INTERVAL = 2500
MOST_PAGE = 50_000

Point = tuple[int, int, float]
"""Time, step and value: the order of a series on the wire."""


class _Token(msgspec.Struct, forbid_unknown_fields=True):
    offset: int


def get(service: Service, ask: m.GetHistory) -> m.MetricsAnswer:
    """Return a series by time, step and value; nothing for a run or metric that is not known."""
    run_id, key = asking.run_id(ask), ask.metric_key
    points = _points(service.store, run_id, key)
    if ask.max_results is None:
        return m.MetricsAnswer(metrics=_shown(key, points) or None)
    size, offset = limits.page_size(ask.max_results, MOST_PAGE), _offset(ask.page_token)
    token = _token(offset + size) if offset + size < len(points) else None
    return m.MetricsAnswer(metrics=_shown(key, points[offset : offset + size]) or None, next_page_token=token)


def get_bulk(service: Service, ask: m.GetHistoryBulk) -> m.MetricsAnswer:
    """Return one metric's series in several runs, by run, time, step and value."""
    run_ids = _run_ids(ask.run_id, "run_id")
    size = MOST_BULK if ask.max_results is None else limits.page_size(ask.max_results, MOST_BULK)
    found: list[entities.Metric] = []
    for run_id in sorted(run_ids):
        found += _shown(ask.metric_key, _points(service.store, run_id, ask.metric_key)[: size - len(found)], run_id)
    return m.MetricsAnswer(metrics=found or None)


def get_bulk_interval(service: Service, ask: m.GetHistoryBulkInterval) -> m.MetricsAnswer:
    """Return one metric's series in several runs, of each at most so many evenly spread steps of the range."""
    run_ids = _run_ids(ask.run_ids, "run_ids")
    size = MOST_INTERVAL if ask.max_results is None else limits.page_size(ask.max_results, MOST_INTERVAL)
    first, last = ask.start_step, ask.end_step
    if (first is None) != (last is None) or (first is not None and last is not None and first > last):
        raise InvalidValue("give start_step and end_step both, the first not above the last, or neither")
    found: list[entities.Metric] = []
    for run_id in run_ids:
        points = [
            point
            for point in _points(service.store, run_id, ask.metric_key)
            if first is None or last is None or first <= point[1] <= last
        ]
        steps = _spread(sorted({step for _, step, _ in points}), size)
        found += _shown(ask.metric_key, [point for point in points if point[1] in steps], run_id)
    found.sort(key=lambda metric: (metric.step or 0, metric.timestamp or 0))
    return m.MetricsAnswer(metrics=found or None)


def _points(store: RunStore, run_id: str, key: str) -> list[Point]:
    try:
        series = store.metric_history(run_id, key)
    except NotFound:
        series = Series(key)
    return sorted(zip(series.times, series.steps, series.values, strict=True))


def _shown(key: str, points: Sequence[Point], run_id: str | None = None) -> list[entities.Metric]:
    return [entities.Metric(key, coding.double(value), time_ms, step, run_id) for time_ms, step, value in points]


def _spread(steps: list[int], most: int) -> set[int]:
    """At most so many of the steps, evenly spread, the first and the last among them."""
    if len(steps) <= most:
        return set(steps)
    if most == 1:
        return {steps[-1]}
    return {steps[round(index * (len(steps) - 1) / (most - 1))] for index in range(most)}


def _run_ids(given: Sequence[str] | None, name: str) -> list[str]:
    found = list(dict.fromkeys(map(limits.run_id, given or ())))
    if not 1 <= len(found) <= MOST_RUNS:
        raise InvalidValue(f"{name} names 1 to {MOST_RUNS} runs, not {len(found)}")
    return found


def _token(offset: int) -> str:
    return base64.b64encode(msgspec.json.encode(_Token(offset))).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        offset = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Token).offset
    except (binascii.Error, ValueError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise InvalidValue(f"{token[:60]!r} is no page token of this server") from error
    if offset < 0:
        raise InvalidValue(f"{token[:60]!r} is no page token of this server")
    return offset
