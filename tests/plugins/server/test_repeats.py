"""A point is there once, however often a client of MLflow's had to send it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from steno.records import Batch, RunStart, Series
from steno.tracking import places
from steno_server.repeats import Repeats

KEYS = ("loss", "nan")


def batch(run_id, first, count=10):
    points = [
        {"key": key, "value": "NaN" if key == "nan" else step / 7, "timestamp": step, "step": step}
        for key in KEYS
        for step in range(first, first + count)
    ]
    return {"run_id": run_id, "metrics": points, "params": [{"key": "p", "value": "1"}]}


def steps(server, run_id, key="loss"):
    found = server.call("GET", f"metrics/get-history?run_id={run_id}&metric_key={key}").get("metrics", [])
    return [each["step"] for each in found]


def test_a_request_that_is_repeated_records_nothing_twice(serve):
    with serve() as server:
        run_id = server.run()
        for first in (0, 10, 0, 10, 20):
            server.call("POST", "runs/log-batch", batch(run_id, first))
        point = {"run_id": run_id, "key": "loss", "value": 0.5, "timestamp": 30, "step": 30}
        for _ in range(3):
            server.call("POST", "runs/log-metric", point)
        # Another value, time or step is another point.
        for more in ({"value": 0.25}, {"timestamp": 31}, {"step": 31}):
            server.call("POST", "runs/log-metric", {**point, **more})
        assert sorted(steps(server, run_id)) == [*range(30), 30, 30, 30, 31]
        assert steps(server, run_id, "nan") == list(range(30))
        other = server.run()
        server.call("POST", "runs/log-batch", batch(other, 0))
        assert steps(server, other) == list(range(10))


def test_points_that_are_told_again_of_a_model_are_the_runs_once(serve):
    with serve() as server:
        run_id = server.run()
        server.call("POST", "runs/log-batch", batch(run_id, 0))
        model = server.call("POST", "logged-models", {"experiment_id": "0", "source_run_id": run_id})["model"]["info"]
        told = [{**each, "model_id": model["model_id"]} for each in batch(run_id, 5, 10)["metrics"]]
        server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": told})
        assert steps(server, run_id) == list(range(15))
        found = server.call("GET", f"logged-models/{model['model_id']}")["model"]["data"]["metrics"]
        assert sorted(each["step"] for each in found if each["key"] == "loss") == list(range(5, 15))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_an_earlier_process_took_is_not_taken_again(serve, workers):
    with serve(workers=workers) as server:
        run_id = server.run()
        for first in range(0, 2400, 400):
            server.call("POST", "runs/log-batch", batch(run_id, first, 400))
    with serve(workers=workers) as server:
        for part in (batch(run_id, 2000, 400), batch(run_id, 2000, 400), batch(run_id, 2300, 200)):
            server.call("POST", "runs/log-batch", part)
        expected = 2500 if workers > 1 else 2500 + 100  # the first that this process sees is compared, or every one
        assert len(steps(server, run_id)) == expected


def test_a_repetition_that_overtakes_the_first_waits_for_it(serve):
    with serve() as server, ThreadPoolExecutor(6) as clients:
        run_id = server.run()

        def send(_):
            mine = type(server)(server.port, server.folder)
            try:
                mine.call("POST", "runs/log-batch", batch(run_id, 0))
            finally:
                mine.close()

        with server.locked():
            sent = [clients.submit(send, each) for each in range(6)]
            time.sleep(0.3)
        for each in sent:
            each.result(20)
        assert steps(server, run_id) == list(range(10))


def test_what_was_refused_counts_as_not_sent(serve):
    with serve() as server:
        run_id = server.run()
        server.call("POST", "runs/log-parameter", {"run_id": run_id, "key": "p", "value": "other"})
        for _ in range(2):
            assert server.refused("POST", "runs/log-batch", batch(run_id, 0))[0] == 400
        assert steps(server, run_id) == []
        body = {**batch(run_id, 0), "params": []}
        server.call("POST", "runs/log-batch", json.loads(json.dumps(body)))
        assert steps(server, run_id) == list(range(10))


def test_what_is_remembered_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("steno_server.repeats.REMEMBERED", 3)
    store = places.run_store(f"sqlite:///{tmp_path}/s.db")
    repeats, run_id = Repeats(lambda: store, alone=True), "a" * 32
    store.write(run_id, Batch(start=RunStart("0", "r", 1)))
    for step in range(10):
        series = Series("m")
        series.append(step, step, 1.0)
        assert repeats.write(run_id, Batch(series={"m": series})) == 1
    assert len(repeats._written) == 3
    assert len(repeats._underway) == 0
    places.forget_stores()
