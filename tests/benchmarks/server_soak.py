"""Whether a server stays as it is under load: `python tests/benchmarks/server_soak.py [MINUTES] [WORKERS]`.

Starts a server of its own on loopback, SQLite behind it. Eight clients do for so many minutes what clients do: half of
them speak MLflow's wire (create a run, log batches and single metrics, search, read histories, upload and fetch a
file, end the run), half send steno's columns, two listen to events all the while. Prints the server's memory over
time, requests, points and errors as they go. Exits 1 if anything was refused or lost, or if memory kept growing: what
the last third takes at least is more than the first third took at most, by a twentieth and 4 MB.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import tempfile
import threading
import time
from array import array
from pathlib import Path
from typing import Any

from server_columns import GIVE_UP_S, asked, cpu_s, processes, started
from steno.records import Batch, RunChange, RunStart, Series, Token
from steno.wire import batches

CLIENTS = 8
LISTENERS = 2
API = "/api/2.0/mlflow/"
SAMPLE_S = 5.0
ROUNDS = 20
WARM_UP = 0.15
"""The part of the time in which caches fill, which is not judged."""
GROWTH, GROWTH_MB = 1.05, 4.0


class Client(threading.Thread):
    """Does one thing after the other until it is stopped."""

    def __init__(self, port: int, number: int, stop: threading.Event) -> None:
        super().__init__(name=f"client-{number}")
        self.port, self.number, self.stop = port, number, stop
        self.requests, self.points, self.errors = 0, 0, list[str]()
        self._chance, self._made = random.Random(number), 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)

    def run(self) -> None:
        """Work."""
        work = self._columns if self.number % 2 else self._wire
        while not self.stop.is_set():
            try:
                self._made += 1
                work(f"soak-{self.number}-{self._made}")
            except (OSError, http.client.HTTPException, AssertionError, ValueError, KeyError) as error:
                self.errors.append(f"{self.name}: {type(error).__name__}: {error}"[:300])
                self._connection.close()
        self._connection.close()

    def _ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> bytes:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self._connection.request(method, path, content, {"Content-Type": kind})
        answer = self._connection.getresponse()
        found = answer.read()
        assert answer.status == 200, (method, path, answer.status, found[:200])
        self.requests += 1
        return found

    def _wire(self, name: str) -> None:
        made = json.loads(self._ask("POST", API + "runs/create", {"experiment_id": "0", "run_name": name}))
        run_id = made["run"]["info"]["run_id"]
        for number in range(ROUNDS):
            first = 100 * number
            points = [
                {"key": f"m{index % 5}", "value": self._chance.random(), "timestamp": first + index, "step": first}
                for index in range(100)
            ]
            pairs = [{"key": f"p{number}", "value": "1"}]
            self._ask("POST", API + "runs/log-batch", {"run_id": run_id, "metrics": points, "params": pairs})
            point = {"run_id": run_id, "key": "one", "value": number, "timestamp": number, "step": number}
            self._ask("POST", API + "runs/log-metric", point)
            self.points += len(points) + 1
        found = json.loads(self._ask("GET", f"{API}metrics/get-history?run_id={run_id}&metric_key=m0"))["metrics"]
        assert len(found) == 20 * ROUNDS, f"{len(found)} points of {20 * ROUNDS}"
        query = {"experiment_ids": ["0"], "filter": "metrics.one > 3", "order_by": ["metrics.m1"], "max_results": 20}
        self._ask("POST", API + "runs/search", query)
        file = f"/api/2.0/mlflow-artifacts/artifacts/0/soak/{self.number}"
        content = self._chance.randbytes(200_000)
        self._ask("PUT", file, content)
        assert self._ask("GET", file) == content
        self._ask("POST", API + "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 1})

    def _columns(self, name: str) -> None:
        size = 2000
        for number in range(ROUNDS):
            steps = array("q", range(size * number, size * (number + 1)))
            batch = Batch(start=RunStart("0", name, 1)) if not number else Batch()
            for key in ("loss", "accuracy"):
                values = array("d", [self._chance.random() for _ in steps])
                batch.series[key] = Series(key, steps, steps, values)
            body = batches.encode(name, batch, Token(name, number, number + 1))
            for _ in range(1 + number % 2):  # every second one comes twice
                self._ask("POST", batches.WRITE, body, "application/msgpack")
            self.points += 2 * size
        chart = {"run_ids": [name], "metric_keys": ["loss"], "buckets": 200}
        (found,) = json.loads(self._ask("POST", "/api/steno/v1/metric_buckets", chart))["series"]
        assert sum(found["counts"]) == size * ROUNDS, f"{sum(found['counts'])} points of {size * ROUNDS}"
        ended = batches.encode(name, Batch(change=RunChange("FINISHED", 2)), None)
        self._ask("POST", batches.WRITE, ended, "application/msgpack")


class Listener(threading.Thread):
    """Hears events until it is stopped."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        super().__init__()
        self.stop, self.events = stop, 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)

    def run(self) -> None:
        """Listen."""
        self._connection.request("GET", "/api/steno/v1/events?experiment_id=0")
        answer = self._connection.getresponse()
        while not self.stop.is_set() and (line := answer.readline()):
            self.events += line.startswith(b"event:")
        self._connection.close()


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and those that it started."""
    pages = 0
    for each in processes(pid):
        pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def is_flat(samples: list[float]) -> bool:
    """Whether memory did not keep growing, once caches were full."""
    judged = samples[int(len(samples) * WARM_UP) :]
    third = max(1, len(judged) // 3)
    before, after = max(judged[:third]), min(judged[-third:])
    return after <= before * GROWTH + GROWTH_MB


def main(minutes: float = 5.0, workers: int = 1) -> int:
    """Run; return the exit status."""
    stop, samples = threading.Event(), list[float]()
    with tempfile.TemporaryDirectory() as name, started(Path(name), "--workers", str(workers)) as (port, pid):
        clients = [Client(port, number, stop) for number in range(CLIENTS)]
        listeners = [Listener(port, stop) for _ in range(LISTENERS)]
        began = time.monotonic()
        for each in (*clients, *listeners):
            each.start()
        try:
            while (passed_s := time.monotonic() - began) < minutes * 60:
                time.sleep(min(SAMPLE_S, minutes * 60 - passed_s))
                samples.append(memory_mb(pid))
                requests, points = sum(each.requests for each in clients), sum(each.points for each in clients)
                errors = [error for each in clients for error in each.errors]
                print(
                    f"{passed_s:6.0f} s {samples[-1]:8.1f} MB {cpu_s(pid):8.1f} CPU s {requests:9,} requests "
                    f"{points:12,} points {len(errors):4} errors",
                    flush=True,
                )
        finally:
            stop.set()
            for client in clients:
                client.join(GIVE_UP_S)
        asked(port, "GET", "/ready")
    for listener in listeners:
        listener.join(GIVE_UP_S)
    errors = [error for each in clients for error in each.errors]
    flat = is_flat(samples)
    for error in errors[:10]:
        print(error)
    print(f"memory: {samples[0]:.1f} to {samples[-1]:.1f} MB, {'flat' if flat else 'NOT FLAT'}; {len(errors)} errors")
    print(f"events heard: {', '.join(str(each.events) for each in listeners)}")
    return 0 if flat and not errors and all(each.events for each in listeners) else 1


if __name__ == "__main__":
    sys.exit(main(*([float(sys.argv[1])] if sys.argv[1:] else []), *map(int, sys.argv[2:])))
