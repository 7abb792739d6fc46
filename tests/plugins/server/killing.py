"""Kill servers at random while clients log, start them again, and count what is there.

usage: python killing.py FOLDER ROUNDS SEED [STORE SERVERS]

Six clients speak MLflow's wire as MLflow's own does, which sends a request again until it is answered, here by any of
the servers; two runs are steno's own, which keeps a journal. STORE is where all servers keep what they are told, a
SQLite file in FOLDER unless it is given. Prints one line of JSON; exits 1 if a point is missing, or there twice.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import steno

API = "/api/2.0/mlflow/"
GIVE_UP_S = 60.0


class Server:
    """One server process at a time, on one port."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store = folder, store
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--backend-store-uri", self.store], cwd=self.folder, stderr=subprocess.DEVNULL
        )
        ask([self.port], "GET", "/ready")

    def kill(self) -> None:
        """Kill it as the system does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def ask(ports: list[int], method: str, path: str, body: object = None) -> tuple[bytes, int]:
    """Ask one server or another until it is answered; return the answer, and how often it was asked again."""
    deadline, again = time.monotonic() + GIVE_UP_S, 0
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", random.choice(ports), timeout=20)
        try:
            connection.request(
                method, path, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            content = answer.read()
            if answer.status == 200:
                return content, again
            assert answer.status >= 500, content
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        assert time.monotonic() < deadline, f"{path} was not answered"
        again += 1
        time.sleep(0.05)


class Client(threading.Thread):
    """Logs numbered points over MLflow's wire until it is stopped; knows which were acknowledged: all of them."""

    def __init__(self, ports: list[int], number: int) -> None:
        super().__init__()
        self.ports, self.batch, self.again, self.points = ports, 1 + 9 * (number % 2), 0, 0
        self.stopped = threading.Event()
        made, _ = ask(ports, "POST", API + "runs/create", {"experiment_id": "0", "run_name": f"client {number}"})
        self.run_id = json.loads(made)["run"]["info"]["run_id"]

    def run(self) -> None:
        """Log."""
        while not self.stopped.is_set():
            steps = range(self.points, self.points + self.batch)
            points = [{"key": "m", "value": step / 3, "timestamp": step, "step": step} for step in steps]
            if self.batch == 1:
                path, body = "runs/log-metric", {"run_id": self.run_id, **points[0]}
            else:
                path, body = "runs/log-batch", {"run_id": self.run_id, "metrics": points}
            self.again += ask(self.ports, "POST", API + path, body)[1]
            self.points += self.batch


class Steno(threading.Thread):
    """Logs numbered points by steno itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped, self.points, self.run_id = threading.Event(), 0, ""

    def run(self) -> None:
        """Log."""
        with steno.start_run() as run:
            self.run_id = run.info.run_id
            while not self.stopped.wait(0.002):
                run.log_metric("m", self.points / 3, step=self.points)
                self.points += 1


def count(ports: list[int], run_id: str) -> list[int]:
    """Return the steps that the server has of a run."""
    steps: list[int] = []
    token = ""
    while True:
        path = f"{API}metrics/get-history?run_id={run_id}&metric_key=m&max_results=25000&page_token={token}"
        page = json.loads(ask(ports, "GET", path)[0])
        steps += [each["step"] for each in page.get("metrics", [])]
        token = page.get("next_page_token")
        if not token:
            return steps


def main(folder: Path, rounds: int, seed: int, store: str, count_of_servers: int) -> int:
    """Run the rounds; return the exit status."""
    servers, chance = [Server(folder, store) for _ in range(count_of_servers)], random.Random(seed)
    ports = [server.port for server in servers]
    os.environ["STENO_JOURNAL_DIR"] = str(folder / "journal")
    steno.set_tracking_uri(f"http://127.0.0.1:{ports[0]}")
    try:
        clients: list[Client | Steno] = [*(Client(ports, number) for number in range(6)), Steno(), Steno()]
        for each in clients:
            each.start()
        for _ in range(rounds):
            time.sleep(chance.uniform(0.05, 1.0))
            server = chance.choice(servers)
            server.kill()
            server.start()
        time.sleep(0.3)
        for each in clients:
            each.stopped.set()
        for each in clients:
            each.join(GIVE_UP_S)
        deadline = time.monotonic() + GIVE_UP_S
        while not steno.flush() and time.monotonic() < deadline:  # a server that refused is left alone for a while
            time.sleep(0.2)
        found = {each: count(ports, each.run_id) for each in clients}
    finally:
        for server in servers:
            server.kill()
    missing = sum(len(set(range(each.points)) - set(steps)) for each, steps in found.items())
    twice = sum(len(steps) - len(set(steps)) for steps in found.values())
    told = {
        "rounds": rounds,
        "points": sum(each.points for each in clients),
        "asked_again": sum(each.again for each in clients if isinstance(each, Client)),
        "missing": missing,
        "twice": twice,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if missing or twice else 0


if __name__ == "__main__":
    place, *more = sys.argv[1:]
    chosen, number = (more[2], int(more[3])) if more[2:] else (f"sqlite:///{place}/s.db", 1)
    sys.exit(main(Path(place), int(more[0]), int(more[1]), chosen, number))
