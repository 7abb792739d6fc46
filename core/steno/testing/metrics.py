"""The contract of a run store, part four: series of points, exact however long."""

from __future__ import annotations

import math
import struct
from array import array

import pytest

from steno.contracts.stores import RunStore
from steno.errors import InvalidValue, NotFound
from steno.records import Batch, MetricBucket, Series
from steno.testing.experiments import StoreTests, started

NAN = math.nan
EXTREMES = (0.0, -0.0, NAN, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, -1.5, 1e22)


def series(values: list[float], key: str = "m") -> Series:
    """A series with steps 0, 1, 2, ... and a timestamp for each."""
    count = len(values)
    return Series(key, array("q", range(count)), array("q", range(10, 10 + count)), array("d", values))


def bits(points: Series) -> tuple[list[int], list[int], bytes]:
    """All of a series, comparable where NaN and -0.0 are not."""
    return list(points.steps), list(points.times), points.values.tobytes()


def wave(count: int) -> list[float]:
    """Values without order or repetition, the same each time."""
    return [math.sin(index * 12.9898) * 43758.5453 % 1.0 for index in range(count)]


class MetricTests(StoreTests):
    def test_points_are_kept_bit_for_bit(self, store: RunStore) -> None:
        store.write("r1", started())
        for number, value in enumerate(EXTREMES):
            store.write("r1", Batch(series={f"one-{number}": series([value], f"one-{number}")}))
            alone = store.metric_history("r1", f"one-{number}")
            assert struct.pack("<d", alone.values[0]) == struct.pack("<d", value)
        together = series(list(EXTREMES))
        together.steps = array("q", [0, -1, 2**63 - 1, -(2**63), 5, 5, 5, 4, 3])
        store.write("r1", Batch(series={"m": together}))
        assert bits(store.metric_history("r1", "m")) == bits(together)

    def test_the_summary_is_exact(self, store: RunStore) -> None:
        batch = started()
        for step, value in ((5, 1.0), (2, 9.0), (7, NAN), (1, -4.0), (0, NAN)):
            batch.add_metric("m", value, 100 + step, step)
        store.write("r1", batch)
        run = store.get_run("r1")
        summary = run.data.summaries["m"]
        assert (summary.count, summary.last_step, summary.last_time) == (5, 7, 107)
        assert (summary.min, summary.min_step, summary.max, summary.max_step) == (-4.0, 1, 9.0, 2)
        assert math.isnan(summary.last)
        assert math.isnan(run.data.metrics["m"])

    def test_the_last_value_is_the_largest_step_then_time_then_value(self, store: RunStore) -> None:
        store.write("r1", started())
        for step, time_ms, value, last in (
            (1, 100, 1.0, 1.0),
            (0, 900, 2.0, 1.0),
            (1, 200, 3.0, 3.0),
            (1, 100, 4.0, 3.0),
            (1, 200, 5.0, 5.0),
            (1, 200, 2.0, 5.0),
            (1, 200, NAN, 5.0),
            (2, 0, -1.0, -1.0),
        ):
            batch = Batch()
            batch.add_metric("m", value, time_ms, step)
            store.write("r1", batch)
            assert store.get_run("r1").data.metrics["m"] == last

    def test_a_series_of_nan_has_nan_for_extremes(self, store: RunStore) -> None:
        batch = started()
        batch.series["m"] = series([NAN, NAN])
        store.write("r1", batch)
        summary = store.get_run("r1").data.summaries["m"]
        assert math.isnan(summary.min)
        assert math.isnan(summary.max)
        store.write("r1", Batch(series={"m": series([3.0])}))
        summary = store.get_run("r1").data.summaries["m"]
        assert (summary.min, summary.max, summary.count) == (3.0, 3.0, 3)

    @pytest.mark.parametrize("sizes", [(1,) * 5, (300, 300, 300), (513,), (512, 1), (20_000, 1, 700), (8192, 8192)])
    def test_a_series_grows_in_the_order_it_was_logged(self, store: RunStore, sizes: tuple[int, ...]) -> None:
        whole = series(wave(sum(sizes)))
        store.write("r1", started())
        position = 0
        for size in sizes:
            part = slice(position, position + size)
            points = Series("m", whole.steps[part], whole.times[part], whole.values[part])
            store.write("r1", Batch(series={"m": points}))
            position += size
        assert bits(store.metric_history("r1", "m")) == bits(whole)
        summary = store.get_run("r1").data.summaries["m"]
        assert (summary.count, summary.last) == (len(whole), whole.values[-1])
        assert (summary.min, summary.max) == (min(whole.values), max(whole.values))
        assert whole.values[summary.min_step] == summary.min
        assert whole.values[summary.max_step] == summary.max

    def test_history_comes_in_pages(self, store: RunStore) -> None:
        whole = series(wave(20_000))
        store.write("r1", started())
        store.write("r1", Batch(series={"m": whole, "one": series([1.0], "one")}))
        for offset, limit in ((0, 10), (8190, 5), (8000, 9000), (19_990, 100), (20_000, 5), (5, 0), (123, None)):
            end = None if limit is None else offset + limit
            assert store.metric_history("r1", "m", offset=offset, limit=limit).values == whole.values[offset:end]
        assert len(store.metric_history("r1", "one", offset=1)) == 0
        assert len(store.metric_history("r1", "one", limit=5)) == 1

    def test_an_unknown_series_is_empty_and_an_unknown_run_not_found(self, store: RunStore) -> None:
        store.write("r1", started())
        assert len(store.metric_history("r1", "nothing")) == 0
        assert store.metric_buckets("r1", "nothing", 10) == []
        with pytest.raises(NotFound):
            store.metric_history("nobody", "m")
        with pytest.raises(NotFound):
            store.metric_buckets("nobody", "m", 10)

    def test_nonsensical_bounds_are_refused(self, store: RunStore) -> None:
        store.write("r1", started())
        with pytest.raises(InvalidValue):
            store.metric_history("r1", "m", offset=-1)
        with pytest.raises(InvalidValue):
            store.metric_history("r1", "m", limit=-1)
        with pytest.raises(InvalidValue):
            store.metric_buckets("r1", "m", 0)

    def test_keys_may_be_any_text(self, store: RunStore) -> None:
        keys = ["größe", "损失", "a b/c-d.e:f", "x" * 250, "'; DROP TABLE runs; --", "%_"]
        batch = started()
        for key in keys:
            batch.series[key] = series([1.0, 2.0], key)
        store.write("r1", batch)
        assert sorted(store.get_run("r1").data.metrics) == sorted(keys)
        for key in keys:
            assert list(store.metric_history("r1", key).values) == [1.0, 2.0]

    @pytest.mark.parametrize("count", [1, 7, 600, 30_000])
    @pytest.mark.parametrize("limit", [1, 10, 1000])
    def test_buckets_lose_no_extreme(self, store: RunStore, count: int, limit: int) -> None:
        values = wave(count)
        values[count // 3], values[count // 2] = 1e9, -1e9
        store.write("r1", started())
        store.write("r1", Batch(series={"m": series(values)}))
        found = store.metric_buckets("r1", "m", limit)
        assert 1 <= len(found) <= limit
        _agree(found, values, 0)

    def test_buckets_of_a_range_of_steps_hold_that_range_only(self, store: RunStore) -> None:
        values = wave(30_000)
        store.write("r1", started())
        store.write("r1", Batch(series={"m": series(values)}))
        for first, last in ((0, 29_999), (100, 200), (8000, 20_000), (8191, 8192), (29_999, 40_000)):
            found = store.metric_buckets("r1", "m", 50, first_step=first, last_step=last)
            assert len(found) <= 50
            _agree(found, values[first : last + 1], first)
        assert store.metric_buckets("r1", "m", 50, first_step=50_000) == []

    def test_buckets_of_steps_out_of_order_hold_every_point_of_the_range(self, store: RunStore) -> None:
        values = wave(10_000)
        shuffled = series(values)
        shuffled.steps = array("q", [index * 7919 % 10_000 for index in range(10_000)])
        store.write("r1", started())
        store.write("r1", Batch(series={"m": shuffled}))
        inside = [value for step, value in zip(shuffled.steps, values, strict=True) if 3000 <= step <= 4000]
        found = store.metric_buckets("r1", "m", 20, first_step=3000, last_step=4000)
        assert sum(bucket.count for bucket in found) == len(inside)
        assert min(bucket.min for bucket in found) == min(inside)
        assert found[-1].last == inside[-1]

    def test_buckets_look_past_nan_and_keep_infinities(self, store: RunStore) -> None:
        values = wave(5000)
        values[10:400] = [NAN] * 390
        values[4000], values[4500] = math.inf, -math.inf
        store.write("r1", started())
        store.write("r1", Batch(series={"m": series(values)}))
        found = store.metric_buckets("r1", "m", 5)
        assert sum(bucket.count for bucket in found) == 5000
        assert max((bucket.max, bucket.max_step) for bucket in found) == (math.inf, 4000)
        assert min((bucket.min, bucket.min_step) for bucket in found) == (-math.inf, 4500)


def _agree(found: list[MetricBucket], values: list[float], first_step: int) -> None:
    """Check buckets against the points they stand for, stretch by stretch."""
    position = 0
    for bucket in found:
        stretch = values[position : position + bucket.count]
        assert (bucket.min, bucket.max, bucket.last) == (min(stretch), max(stretch), stretch[-1])
        assert bucket.first_step == first_step + position
        assert bucket.last_step == first_step + position + bucket.count - 1
        assert values[bucket.min_step - first_step] == bucket.min
        assert values[bucket.max_step - first_step] == bucket.max
        position += bucket.count
    assert position == len(values)
