"""How fast a model is served, and whether the server stays as it is: `serving_load.py [SECONDS] [--peer PYTHON]`.

Serves a small scikit-learn model with `steno models serve`, and with `mlflow models serve` where an interpreter with
MLflow is named; both from the same folder. One process asks over keep-alive connections, one row at a time: by turns
with one connection and with eight, then steno alone with eight for so many seconds. Prints what a request takes, less
what the model's own `predict` takes in this process, requests a second, the server's processor time for each, its
memory from the beginning to the end. At last the server is told to stop while requests are in flight.

Exits 1 if a request failed, or memory kept growing, or something in flight was not answered.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import steno
from server_columns import asked, cpu_s
from server_soak import is_flat, memory_mb
from sklearn.linear_model import LinearRegression
from steno.models import load_pyfunc

COLUMNS = [f"x{index}" for index in range(10)]
SECONDS = 60.0
TURNS = 3
TURN_S = 5.0
WARM_UP_S = 1.0
SAMPLE_S = 5.0
TOLD_S = 60.0
CONNECTIONS = 8
LARGE_ROWS = 20_000
GIVE_UP_S = 120.0
CHUNK_BYTES = 1 << 16


class Load:
    """What was seen of some requests.

    Attributes:
        took_ms: Of each, how long it took.
        errors: What went wrong, if anything did.
        seconds: How long it went on.
        cpu_ms: The server's processor time for each request.
    """

    def __init__(self) -> None:
        self.took_ms: list[float] = []
        self.errors: list[str] = []
        self.seconds = self.cpu_ms = 0.0

    def p(self, percent: float) -> float:
        """Return a percentile, in ms."""
        return float(np.percentile(self.took_ms, percent)) if self.took_ms else float("nan")


class Server:
    """One that serves the model."""

    def __init__(self, name: str, port: int, pid: int) -> None:
        self.name, self.port, self.pid = name, port, pid
        self.alone, self.together = list[Load](), list[Load]()


def request(body: dict[str, Any]) -> bytes:
    """Return the bytes of a request."""
    content = json.dumps(body).encode()
    lines = ["POST /invocations HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "\r\n"]).encode() + content


def whole(content: bytearray) -> bool:
    """Whether an answer has arrived to its end."""
    head, between, _ = bytes(content[:2000]).partition(b"\r\n\r\n")
    if not between:
        return False
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(content) >= len(head) + 4 + int(length.partition(b":")[2])


def load(
    server: Server, connections: int, seconds: float, one: bytes, watch: Callable[[float, Load], None] | None = None
) -> Load:
    """Ask the same over and over; `watch` is called now and then with the seconds that have passed."""
    found, began, before = Load(), time.perf_counter(), cpu_s(server.pid)
    watched = began
    with ExitStack() as stack, selectors.DefaultSelector() as waiting:
        sent: dict[socket.socket, tuple[float, bytearray]] = {}
        for _ in range(connections):
            place = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=GIVE_UP_S))
            place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(place, selectors.EVENT_READ)
            sent[place] = time.perf_counter(), bytearray()
            place.sendall(one)
        while (now := time.perf_counter()) - began < seconds and sent:
            if watch is not None and now - watched >= SAMPLE_S:
                watched = now
                watch(now - began, found)
            for key, _ in waiting.select(1.0):
                place: Any = key.fileobj
                _received(place, sent, found, one)
                if place not in sent:
                    waiting.unregister(place)
    found.seconds = time.perf_counter() - began
    found.cpu_ms = (cpu_s(server.pid) - before) * 1000 / max(1, len(found.took_ms))
    return found


def _received(
    place: socket.socket, sent: dict[socket.socket, tuple[float, bytearray]], found: Load, one: bytes
) -> None:
    """Read what has come; if that is a whole answer, ask again."""
    asked_at, content = sent[place]
    content += (part := place.recv(CHUNK_BYTES))
    if not part:
        found.errors.append("the connection was closed")
        del sent[place]
    elif whole(content):
        found.took_ms.append((time.perf_counter() - asked_at) * 1000)
        if not content.startswith(b"HTTP/1.1 200"):
            found.errors.append(bytes(content[:300]).decode("latin-1"))
        sent[place] = time.perf_counter(), bytearray()
        place.sendall(one)


def own_ms(folder: Path, row: pd.DataFrame) -> float:
    """Return what the model's own `predict` takes in this process, the median of some."""
    model = load_pyfunc(folder).get_raw_model()
    took = []
    for _ in range(2000):
        began = time.perf_counter()
        model.predict(row)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


@contextmanager
def served(name: str, command: list[str], environ: dict[str, str]) -> Iterator[Server]:
    """Start a server; it is ended with the body."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--port", str(port)], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            assert process.poll() is None, f"{name} did not start"
            assert time.monotonic() < deadline, f"{name} does not answer"
            try:
                asked(port, "GET", "/ping")
                break
            except OSError:
                time.sleep(0.1)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def stopped(server: Server, large: bytes) -> int:
    """Tell a server to stop while it has eight large requests; return how many of them were answered."""
    with ExitStack() as stack:
        places = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=GIVE_UP_S))
            for _ in range(CONNECTIONS)
        ]
        for place in places:
            place.sendall(large)
        time.sleep(0.05)
        os.kill(server.pid, signal.SIGTERM)
        answered = 0
        for place in places:
            content = bytearray()
            while not whole(content) and (part := place.recv(CHUNK_BYTES)):
                content += part
            answered += content.startswith(b"HTTP/1.1 200") and whole(content)
    return answered


def told(server: Server, own: float) -> None:
    """Print what was seen of a server."""
    p50 = statistics.median(each.p(50) for each in server.alone)
    print(f"{server.name}")
    print(f"  one connection: p50 {p50:.2f} ms, over the model's own predict {p50 - own:.2f} ms")
    for what, loads in (("one connection", server.alone), (f"{CONNECTIONS} connections", server.together)):
        rate = statistics.median(len(each.took_ms) / each.seconds for each in loads)
        p99 = statistics.median(each.p(99) for each in loads)
        cpu = statistics.median(each.cpu_ms for each in loads)
        print(f"  {what}: {rate:,.0f} requests a second, p99 {p99:.2f} ms, {cpu:.2f} ms of its processors for each")


def sustained(server: Server, seconds: float, one: bytes) -> bool:
    """Load a server for a while, and print how it goes; return whether it stays as it is."""
    samples = [memory_mb(server.pid)]
    print(f"{server.name}, {CONNECTIONS} connections for {seconds:.0f} s; memory at the beginning {samples[0]:.1f} MB")
    next_s = TOLD_S

    def watch(passed_s: float, found: Load) -> None:
        nonlocal next_s
        samples.append(memory_mb(server.pid))
        if passed_s >= next_s:
            next_s += TOLD_S
            print(f"  {passed_s:6.0f} s {samples[-1]:8.1f} MB {len(found.took_ms):10,} requests", flush=True)

    found = load(server, CONNECTIONS, seconds, one, watch)
    samples.append(memory_mb(server.pid))
    flat = is_flat(samples)
    rate = len(found.took_ms) / found.seconds
    print(f"  at the end {samples[-1]:.1f} MB, {'flat' if flat else 'NOT FLAT'}; {len(found.errors)} errors")
    print(f"  {rate:,.0f} requests a second, p50 {found.p(50):.2f} ms, p99 {found.p(99):.2f} ms")
    for error in found.errors[:5]:
        print(f"  {error}")
    return flat and not found.errors


def main(seconds: float, peer: str) -> int:
    """Measure; return the exit status."""
    chance = np.random.default_rng(0)
    X = pd.DataFrame(chance.random((200, len(COLUMNS))), columns=COLUMNS)
    one = request({"dataframe_split": {"columns": COLUMNS, "data": X[:1].to_numpy().tolist()}})
    large = request({"dataframe_split": {"columns": COLUMNS, "data": chance.random((LARGE_ROWS, 10)).tolist()}})
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name) / "model"
        steno.save_model(LinearRegression().fit(X, X.sum(axis=1)), folder, input_example=X[:2])
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        ours = [sys.executable, "-c", "from steno.cli import main; main()", "models", "serve", "-m", str(folder)]
        servers = [stack.enter_context(served("steno", ours, quiet))]
        if peer:
            theirs = [peer, "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", str(folder)]
            path = f"{Path(peer).parent}{os.pathsep}{os.environ['PATH']}"
            servers.append(stack.enter_context(served("MLflow", theirs, {**quiet, "PATH": path})))
        own = own_ms(folder, X[:1])
        print(f"the model's own predict, one row: {own:.2f} ms")
        turn_s = min(TURN_S, seconds / 2)
        for server in servers:
            load(server, CONNECTIONS, WARM_UP_S, one)
        for _ in range(TURNS):
            for server in servers:
                server.alone.append(load(server, 1, turn_s, one))
                server.together.append(load(server, CONNECTIONS, turn_s, one))
        for server in servers:
            told(server, own)
        failed = [error for server in servers for each in server.alone + server.together for error in each.errors]
        fine = sustained(servers[0], seconds, one) and not failed
        answered = stopped(servers[0], large)
        print(f"told to stop with {CONNECTIONS} requests in flight: {answered} were answered")
    return 0 if fine and answered == CONNECTIONS else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=SECONDS)
    parser.add_argument("--peer", default="", help="an interpreter with MLflow in it")
    given = parser.parse_args()
    sys.exit(main(given.seconds, given.peer))
