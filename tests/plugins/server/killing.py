"""Kill a server at random while clients log, start it again, and count what is there.

usage: python killing.py FOLDER ROUNDS SEED

Six clients speak MLflow's wire as MLflow's own does, which sends a request again until it is answered; two runs are
steno's own, which keeps a journal. Prints one line of JSON; exits 1 if a point is missing, or there twice.
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", str(self.port)]
        store = f"sqlite:///{self.folder}/s.db"
        self.process = subprocess.Popen(
            [*command, "--backend-store-uri", store], cwd=self.folder, stderr=subprocess.DEVNULL
        )
        ask(self.port, "GET", "/ready")

    def kill(self) -> None:
        """Kill it as the system does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def ask(port: int, method: str, path: str, body: object = None) -> tuple[bytes, int]:
    """Ask until it is answered; return the answer, and how often it was asked again."""
    deadline, again = time.monotonic() + GIVE_UP_S, 0
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
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

    def __init__(self, port: int, number: int) -> None:
        super().__init__()
        self.port, self.batch, self.again, self.points = port, 1 + 9 * (number % 2), 0, 0
        self.stopped = threading.Event()
        made, _ = ask(port, "POST", API + "runs/create", {"experiment_id": "0", "run_name": f"client {number}"})
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
            self.again += ask(self.port, "POST", API + path, body)[1]
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


def count(port: int, run_id: str) -> list[int]:
    """Return the steps that the server has of a run."""
    steps: list[int] = []
    token = ""
    while True:
        path = f"{API}metrics/get-history?run_id={run_id}&metric_key=m&max_results=25000&page_token={token}"
        page = json.loads(ask(port, "GET", path)[0])
        steps += [each["step"] for each in page.get("metrics", [])]
        token = page.get("next_page_token")
        if not token:
            return steps


def main(folder: Path, rounds: int, seed: int) -> int:
    """Run the rounds; return the exit status."""
    server, chance = Server(folder), random.Random(seed)
    os.environ["STENO_JOURNAL_DIR"] = str(folder / "journal")
    steno.set_tracking_uri(f"http://127.0.0.1:{server.port}")
    clients: list[Client | Steno] = [*(Client(server.port, number) for number in range(6)), Steno(), Steno()]
    try:
        for each in clients:
            each.start()
        for _ in range(rounds):
            time.sleep(chance.uniform(0.05, 1.0))
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
        found = {each: count(server.port, each.run_id) for each in clients}
    finally:
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
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
