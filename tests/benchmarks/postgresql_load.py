"""A tracking server on PostgreSQL, beside MLflow's on the same one.

usage: PEER=/path/to/python python tests/benchmarks/postgresql_load.py [RUNS]

Starts a PostgreSQL of its own, as durable as it comes, and each server on a database of it, one after the other. Each
is filled over MLflow's wire with RUNS runs (10,000) of 20 params and 20 metrics; then four clients send 40 requests of
500 metrics each, and a search with a filter and an order is asked 15 times. PEER names an interpreter with MLflow and
psycopg2. Everything is bounded, on loopback, and gone in the end.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.plugins.sql import postgres

API = "/api/2.0/mlflow/"
CLIENTS, REQUESTS, METRICS = 4, 40, 500
FILTER = "metrics.m0 > 0.5 and params.p1 like '0.1%' and tags.team = 't3'"
GIVE_UP_S = 300.0
STENO = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--workers", "2"]


class Client:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)

    def call(self, path: str, body: Any) -> Any:
        """Ask what has to succeed."""
        self._connection.request("POST", API + path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (path, answer.status, content[:300])
        return json.loads(content)


@contextmanager
def serving(command: list[str], store: str, folder: Path) -> Iterator[int]:
    """Run a server on a database; yield its port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = ["--port", str(port), "--backend-store-uri", store, "--default-artifact-root", str(folder / "files")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*command, *options], cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(port, process)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + GIVE_UP_S
    while True:
        assert process.poll() is None, "the server did not start"
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)


def beside(work: Callable[[int], None]) -> float:
    """Let all clients work at once; return how long that took."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return time.perf_counter() - began


def fill(port: int, experiment: str, count: int) -> list[str]:
    """Make runs; return their ids."""
    ids: list[str] = []

    def work(number: int) -> None:
        client, chance = Client(port), random.Random(number)
        for index in range(number, count, CLIENTS):
            tags = [{"key": "team", "value": f"t{index % 7}"}]
            start = {"experiment_id": experiment, "start_time": index, "run_name": f"r{index}", "tags": tags}
            run_id = client.call("runs/create", start)["run"]["info"]["run_id"]
            points = [{"key": f"m{k}", "value": chance.random(), "timestamp": index, "step": 0} for k in range(20)]
            params = [{"key": f"p{k}", "value": str(chance.random())} for k in range(20)]
            client.call("runs/log-batch", {"run_id": run_id, "metrics": points, "params": params})
            ids.append(run_id)

    print(f"  fill: {count / beside(work):,.0f} runs/s", flush=True)
    assert len(ids) == count
    return ids


def ingest(port: int, ids: list[str]) -> float:
    """Return the rate at which points are taken in."""

    def work(number: int) -> None:
        client, chance = Client(port), random.Random(number)
        for batch in range(REQUESTS):
            points = [
                {"key": f"q{k % 10}", "value": chance.random(), "timestamp": batch, "step": batch * METRICS + k // 10}
                for k in range(METRICS)
            ]
            client.call("runs/log-batch", {"run_id": ids[number], "metrics": points})

    return CLIENTS * REQUESTS * METRICS / beside(work)


def search(port: int, experiment: str) -> tuple[float, int]:
    """Return the median of the search, in milliseconds, and how many it finds."""
    client, took, found = Client(port), [], 0
    ask = {"experiment_ids": [experiment], "max_results": 100, "filter": FILTER, "order_by": ["metrics.m1 DESC"]}
    for _ in range(15):
        began = time.perf_counter()
        found = len(client.call("runs/search", ask).get("runs", []))
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e3, found


def measure(name: str, command: list[str], store: str, count: int) -> tuple[float, float]:
    """Measure one server; return its rate and its search."""
    with tempfile.TemporaryDirectory() as folder, serving(command, store, Path(folder)) as port:
        print(name, flush=True)
        experiment = Client(port).call("experiments/create", {"name": "load"})["experiment_id"]
        ids = fill(port, experiment, count)
        rate = ingest(port, ids)
        took, found = search(port, experiment)
        print(f"  ingest: {rate:,.0f} points/s\n  search: {took:.1f} ms, {found} runs", flush=True)
        return rate, took


def main(count: int) -> None:
    """Measure steno, and MLflow if there is one; print the ratios."""
    postgres.SETTINGS.update(fsync="on", full_page_writes="on", autovacuum="on", shared_buffers="128MB")
    server, peer = postgres.Server(), os.environ.get("PEER")
    try:
        server.start()
        ours = measure("steno", STENO, server.uri(server.new()), count)
        if peer:
            theirs = measure("MLflow", [peer, "-m", "mlflow", "server"], server.uri(server.new()), count)
            print(f"ingest {ours[0] / theirs[0]:.1f} times, search {theirs[1] / ours[1]:.1f} times as fast")
    finally:
        server.remove()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
