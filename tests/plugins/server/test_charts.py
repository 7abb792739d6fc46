"""A chart of any length is answered in few stretches, in which every extreme is where it was logged."""

from __future__ import annotations

import json
from array import array

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno.records import Batch, Series
from steno.wire import batches

BUCKETS = "/api/steno/v1/metric_buckets"
NAN, INF = float("nan"), float("inf")


def write(server, run_id, key, values, steps=None):
    steps = array("q", steps if steps is not None else range(len(values)))
    batch = Batch(series={key: Series(key, steps, array("q", range(len(values))), array("d", values))})
    assert server.raw("POST", batches.WRITE, batches.encode(run_id, batch, None))[0] == 200


def test_a_peak_among_a_hundred_thousand_points_is_drawn(server):
    run_id, values = server.run(), [0.5] * 100_000
    values[31_415], values[27_182] = 9.0, -9.0
    write(server, run_id, "loss", values)
    ask = {"run_ids": [run_id], "metric_keys": ["loss", "none"], "buckets": 200}
    (found,) = server.call("POST", BUCKETS, ask)["series"]
    assert len(found["counts"]) <= 200
    assert sum(found["counts"]) == 100_000
    assert found["max_steps"][found["max_values"].index(9.0)] == 31_415
    assert found["min_steps"][found["min_values"].index(-9.0)] == 27_182
    by_query = server.call("GET", f"{BUCKETS}?run_ids={run_id}&metric_keys=loss&metric_keys=none&buckets=200")
    assert by_query["series"] == [found]
    status, headers, packed = server.raw("POST", BUCKETS, json.dumps(ask).encode(), {"Accept": "application/msgpack"})
    assert (status, headers["content-type"]) == (200, "application/msgpack")
    assert msgspec.msgpack.decode(packed) == {"series": [found]}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(-50, 50), st.sampled_from([NAN, INF, -INF, 0.0, 1.5, -2.0, 1e300])), min_size=1),
    st.integers(1, 40),
    st.integers(-60, 60),
    st.integers(0, 120),
)
def test_the_stretches_are_the_points_in_the_range_whole(server, points, buckets, first, width):
    run_id, last = server.run(experiment_id="0"), first + width
    write(server, run_id, "m", [value for _, value in points], [step for step, _ in points])
    ask = {"run_ids": [run_id], "metric_keys": ["m"], "buckets": buckets, "start_step": first, "end_step": last}
    inside = [(step, value) for step, value in points if first <= step <= last]
    series = server.call("POST", BUCKETS, ask)["series"]
    if not inside:
        assert series == []
        return
    ((found),) = series
    assert len(found["counts"]) <= buckets
    at = 0
    for index, count in enumerate(found["counts"]):
        part = inside[at : at + count]
        at += count
        real = [value for _, value in part if value == value]
        shown = [float(found[name][index]) for name in ("min_values", "max_values", "last_values")]
        wanted = [min(real, default=NAN), max(real, default=NAN), part[-1][1]]
        assert list(map(repr, shown)) == list(map(repr, wanted))
        assert (found["first_steps"][index], found["last_steps"][index]) == (part[0][0], part[-1][0])
        if real:
            assert (found["max_steps"][index], max(real)) in part
    assert at == len(inside)


@pytest.mark.parametrize(
    "wrong",
    [
        {"buckets": 0},
        {"buckets": 100_001},
        {"buckets": 50_001, "metric_keys": ["a", "b"]},
        {"run_ids": []},
        {"run_ids": [f"r{number}" for number in range(101)]},
        {"run_ids": ["../x"]},
        {"start_step": 5, "end_step": 4},
    ],
)
def test_a_chart_that_is_too_much_or_makes_no_sense_is_refused(server, wrong):
    ask = {"run_ids": ["a"], "metric_keys": ["m"], "buckets": 10, **wrong}
    assert server.refused("POST", BUCKETS, ask) == (400, "INVALID_PARAMETER_VALUE")


def test_a_run_that_is_not_known_has_no_chart(server):
    assert server.call("POST", BUCKETS, {"run_ids": ["nobody"], "metric_keys": ["m"]}) == {"series": []}
