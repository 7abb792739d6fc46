"""Steno's own batches: each once, whole or not at all, and judged like what comes by any other way."""

from __future__ import annotations

import json
import math
from array import array

import msgspec
import pytest
from steno.records import Batch, RunChange, RunStart, Series, Token
from steno.wire import batches


def columns(count, first=0, **odd):
    steps, times = array("q", range(first, first + count)), array("q", range(1000 + first, 1000 + first + count))
    values = array("d", [math.sin(step) for step in steps])
    for name, (index, value) in odd.items():
        {"time": times, "value": values}[name][index] = value
    return Series("m", steps, times, values)


def send(server, run_id, batch, token=None, body=None):
    content = body if body is not None else batches.encode(run_id, batch, token)
    status, _, answer = server.raw("POST", batches.WRITE, content, {"Content-Type": "application/msgpack"})
    return status, json.loads(answer)


def stored(server, run_id):
    path = f"metrics/get-history?run_id={run_id}&metric_key=m"
    return [float(each["value"]) for each in server.call("GET", path).get("metrics", [])]


def test_a_batch_that_comes_again_changes_nothing_and_one_that_overlaps_is_told_where_to_go_on(server):
    first, second = (Batch(series={"m": columns(3000, first)}) for first in (0, 3000))
    first.start = RunStart("0", "run", 1)
    for _ in range(3):
        assert send(server, "again", first, Token("w", 0, 50)) == (200, {})
    assert send(server, "again", second, Token("w", 40, 90)) == (200, {"stale_at": 50})
    assert send(server, "again", second, Token("w", 50, 90)) == (200, {})
    assert stored(server, "again") == [math.sin(step) for step in range(6000)]


@pytest.mark.parametrize("index", [0, 2500, 4999])
def test_one_negative_time_among_thousands_refuses_the_whole_batch(server, index):
    run_id = server.run()
    status, told = send(server, run_id, Batch(tags={"a": "b"}, series={"m": columns(5000, time=(index, -1))}))
    assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "before 1970" in told["message"]
    assert stored(server, run_id) == []
    assert "a" not in {tag["key"] for tag in server.call("GET", f"runs/get?run_id={run_id}")["run"]["data"]["tags"]}
    assert send(server, run_id, Batch(series={"m": columns(5000, value=(index, -math.inf))}))[0] == 200
    assert stored(server, run_id)[index] == -math.inf


def test_what_is_no_batch_is_refused(server):
    run_id = server.run()
    good = msgspec.msgpack.decode(batches.encode(run_id, Batch(series={"m": columns(4)}), None))
    short = {**good, "batch": {"series": {"m": {**good["batch"]["series"]["m"], "times": b"1234567"}}}}
    for body in (
        b"",
        b"\xc1",
        b"{}",
        msgspec.msgpack.encode({**good, "run_id": "../x"}),
        msgspec.msgpack.encode(short),
    ):
        assert send(server, run_id, None, body=body)[0] == 400
    for batch in (
        Batch(series={"a/../b": columns(1)}),
        Batch(change=RunChange("NO STATUS")),
        Batch(children=[("../x", Batch())]),
    ):
        assert send(server, run_id, batch)[0] == 400
    assert send(server, "nobody", Batch(series={"m": columns(1)}))[0] == 404
