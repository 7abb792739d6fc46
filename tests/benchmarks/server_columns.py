"""How many points a second a server takes in as columns: `python tests/benchmarks/server_columns.py`.

usage: python tests/benchmarks/server_columns.py [MESSAGES] [WORKERS]

Starts a server of its own on loopback, SQLite behind it. Four clients, each a process, send messages of ten series of
10,000 points, made beforehand, each with its token. Prints the rate and what a million points cost the server's
processors, which other work on the machine does not change; reads every series back. Exits 1 if a point is missing.
"""

from __future__ import annotations

import http.client
import json
import math
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

from steno.records import Batch, RunStart, Series, Token
from steno.wire import batches

CLIENTS = 4
SERIES = 10
POINTS = 10_000
MESSAGES = 10
GIVE_UP_S = 120.0
TARGET = 1_500_000
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """Serve a new store while the body runs; yield the port and the process id."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", str(port)]
    store = f"sqlite:///{folder}/s.db"
    process = subprocess.Popen([*command, "--backend-store-uri", store, *options], cwd=folder)
    try:
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            assert process.poll() is None, "the server did not start"
            try:
                asked(port, "GET", "/ready")
                break
            except OSError:
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def asked(port: int, method: str, path: str) -> bytes:
    """Ask on a connection of its own what has to succeed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return content
    finally:
        connection.close()


def processes(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in processes(int(child)))]


def cpu_s(pid: int) -> float:
    """Return what a process and those that it started took of processors."""
    found = 0.0
    for each in processes(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(") ")[2].split()
        found += (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def messages(number: int, count: int) -> list[bytes]:
    """Return what one client sends: losses that fall with noise, a step each, some milliseconds apart."""
    chance, made, run_id, end = random.Random(number), [], f"client-{number}", 0
    noise = [chance.random() / 100 for _ in range(POINTS)]
    for position in range(count):
        first = position * POINTS
        steps = array("q", range(first, first + POINTS))
        times = array("q", [1_700_000_000_000 + step * 3 + chance.choice((0, 0, 1)) for step in steps])
        batch = Batch(start=RunStart("0", run_id, 1)) if not position else Batch()
        for index in range(SERIES):
            shift = chance.randrange(POINTS)
            values = array("d", [math.exp(-step / 3e4) + noise[step - first - shift] for step in steps])
            batch.series[f"loss_{index}"] = Series(f"loss_{index}", steps, times, values)
        body = batches.encode(run_id, batch, Token(run_id, end, end := end + SERIES * POINTS))
        made.append(body)
    return made


def send(port: int, number: int, count: int, ready: Barrier) -> None:
    """Be one client."""
    bodies = messages(number, count)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
    connection.connect()
    ready.wait(GIVE_UP_S)
    for body in bodies:
        connection.request("POST", batches.WRITE, body, {"Content-Type": "application/msgpack"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"client {number}: {answer.status} {content!r}")
    connection.close()
    ready.wait(GIVE_UP_S)


def stored(port: int) -> int:
    """Return how many points the server has."""
    path = "/api/2.0/mlflow/metrics/get-history?metric_key=loss_{}&run_id=client-{}"
    return sum(
        len(json.loads(asked(port, "GET", path.format(index, number)))["metrics"])
        for number in range(CLIENTS)
        for index in range(SERIES)
    )


def main(count: int = MESSAGES, workers: int = 1) -> int:
    """Measure; return the exit status."""
    context = multiprocessing.get_context("spawn")
    sent = CLIENTS * count * SERIES * POINTS
    with tempfile.TemporaryDirectory() as name, started(Path(name), "--workers", str(workers)) as (port, pid):
        ready = context.Barrier(CLIENTS + 1)
        clients = [context.Process(target=send, args=(port, each, count, ready)) for each in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            ready.wait(GIVE_UP_S)
            began, before = time.perf_counter(), cpu_s(pid)
            ready.wait(GIVE_UP_S)
            took_s, took_cpu_s = time.perf_counter() - began, cpu_s(pid) - before
            for client in clients:
                client.join(GIVE_UP_S)
        finally:
            for client in clients:
                client.kill()
        found = stored(port)
    print(f"{'columns: points a second':<50} {sent / took_s:12,.0f}   target {TARGET:,}")
    print(f"{'columns: server CPU s per million points':<50} {took_cpu_s * 1e6 / sent:12.3f}")
    print(f"{'columns: sent and stored':<50} {sent:12,} {found:12,}")
    return 0 if found == sent else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
