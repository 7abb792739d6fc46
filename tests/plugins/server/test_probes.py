"""What probes and scrapers are told is true: of the store, and of the work that was done."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from steno.records import Batch
from steno.wire import batches
from steno_server import app

LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? [-+0-9.e]+')


def scraped(server):
    status, headers, body = server.raw("GET", "/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_are_counted_by_route_and_status_and_never_by_path(serve):
    with serve() as server:
        run_id = server.run()
        for number in range(3):
            point = {"run_id": run_id, "key": "m", "value": 1, "timestamp": number, "step": number}
            server.call("POST", "runs/log-metric", point)
        server.refused("POST", "runs/log-metric", {"run_id": run_id})
        metrics = [{"key": "m", "value": 1, "timestamp": 1}] * 20
        server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": metrics})
        server.raw("GET", "/made-up-by-someone")
        server.raw("GET", "/api/2.0/mlflow-artifacts/artifacts/secret-name")
        server.raw("PATCH", "/made-up-by-someone")
        found = scraped(server)
    assert found['steno_requests_total{route="/mlflow/runs/log-metric",method="POST",status="200"}'] == 3
    assert found['steno_requests_total{route="/mlflow/runs/log-metric",method="POST",status="400"}'] == 1
    assert found['steno_requests_total{route="other",method="",status="404"}'] == 2
    assert found['steno_request_duration_seconds_bucket{route="/mlflow/runs/log-metric",le="+Inf"}'] == 4
    assert found['steno_request_duration_seconds_count{route="/mlflow/runs/log-metric"}'] == 4
    assert 0 < found['steno_request_duration_seconds_sum{route="/mlflow/runs/log-metric"}'] < 10
    assert found["steno_points_total"] == 23
    assert 10e6 < found["process_resident_memory_bytes"] < 10e9
    assert not [name for name in found if "made" in name.lower() or "secret" in name]


def test_a_store_that_cannot_be_used_is_not_ready(serve):
    with serve() as server:
        assert server.raw("GET", "/ready")[::2] == (200, b"OK")
        place = server.folder / "steno.db"
        for name in ("-wal", "-shm"):
            place.with_name(place.name + name).unlink(missing_ok=True)
        place.unlink()
        place.write_bytes(b"this is no database" * 1000)
        status, _, told = server.raw("GET", "/ready")
        assert (status, str(server.folder).encode() in told) == (503, False)
        assert server.raw("GET", "/health")[0] == 200


@pytest.mark.parametrize("moment_s", [app.MOMENT_S, 0.4])  # the longer: only one request at a time waits for it
def test_a_lock_of_someone_else_stops_no_probe_and_no_reader(serve, monkeypatch, moment_s):
    monkeypatch.setattr(app, "MOMENT_S", moment_s)
    with serve() as server, ThreadPoolExecutor(30) as clients:
        run_id = server.run()

        def record(number):
            mine = type(server)(server.port, server.folder)
            point = {"key": f"m{number % 3}", "value": number, "timestamp": 1, "step": number}
            try:
                if number % 3:
                    mine.call("POST", "runs/log-metric", {"run_id": run_id, **point})
                elif number % 2:
                    mine.call("POST", "experiments/create", {"name": f"n{number}"})
                else:
                    body = batches.encode(run_id, Batch(tags={f"t{number}": ""}), None)
                    assert mine.raw("POST", batches.WRITE, body)[0] == 200
            finally:
                mine.close()

        server.call("GET", f"runs/get?run_id={run_id}")
        with server.locked():
            waiting = [clients.submit(record, number) for number in range(30)]
            time.sleep(0.8)
            began = time.monotonic()
            for _ in range(10):
                assert server.raw("GET", "/health")[0] == server.raw("GET", "/ready")[0] == 200
                server.call("GET", f"runs/get?run_id={run_id}")
                server.call("POST", "runs/search", {"experiment_ids": ["0"]})
            took = time.monotonic() - began
            assert not any(each.done() for each in waiting)
        for each in waiting:
            each.result(20)
        assert took < 2.0
        for key, kept in (("m1", 10), ("m2", 10)):
            found = server.call("GET", f"metrics/get-history?run_id={run_id}&metric_key={key}")["metrics"]
            assert len(found) == len({each["step"] for each in found}) == kept
