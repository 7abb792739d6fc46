"""What a failing tracking server costs a training, beside the same training into a file, and whether all arrives after.

usage: python tests/benchmarks/http_faults.py [rounds]

Each training is a process of its own: 5,000 steps with `log_metric`, then ten fits of scikit-learn that are watched,
their models logged. Ways take turns; shown is the median of each way's times, by the file's of the same round.
Afterwards the server is well, and what waits is delivered by `steno sync`.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import steno

sys.path.insert(0, str(Path(__file__).parents[1] / "plugins" / "http"))
from middleman import Middleman

WAYS = {
    "file": "runs in a file, the measure",
    "": "well",
    "silent": "black hole: takes requests, never answers",
    "full": "black hole: takes no connection",
    "closed": "refuses",
    "slow": "a second for each request",
    "429": "429, Retry-After: 1",
    "500": "500",
}
STEPS, FITS = 5000, 10
STENO = [sys.executable, "-c", "from steno.cli import main; main()"]
TRAINING = f"""
import json, sys, time
import numpy as np, steno
from sklearn.linear_model import LogisticRegression
rng = np.random.default_rng(0)
inputs = rng.normal(size=(400, 8)); labels = (inputs[:, 0] > 0).astype(int); weights = rng.normal(size=(60, 60))
LogisticRegression().fit(inputs, labels)
began = time.perf_counter()
steno.set_tracking_uri(sys.argv[1])
with steno.start_run() as run:
    started = time.perf_counter()
    for step in range({STEPS}):
        weights = np.tanh(weights @ weights)
        steno.log_metric("loss", float(weights[0, 0]), step)
    looped = time.perf_counter()
ended = time.perf_counter()
steno.sklearn.autolog()
for each in range({FITS}):
    LogisticRegression(C=each + 1).fit(inputs, labels)
fitted = time.perf_counter()
print(json.dumps([started - began, looped - started, ended - looped, fitted - ended, run.run_id]))
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A steno server over a fresh store."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [*STENO, "server", "--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/s.db"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/ready", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        try:
            yield url
        finally:
            process.terminate()


def train(uri: str, folder: Path) -> tuple[list[float], str]:
    """Return the seconds to begin, to loop, to end and to fit, and the run's id."""
    environ = {**os.environ, "STENO_JOURNAL_DIR": str(folder / "journal"), "STENO_EXIT_TIMEOUT_S": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAINING, uri], cwd=folder, env=environ, capture_output=True, check=True
    )
    *seconds, run_id = json.loads(done.stdout)
    return seconds, run_id


def arrived(uri: str, through: str, run_id: str, folder: Path) -> str:
    """Deliver what waits, and say what of it is there; `uri` is the server itself, `through` what stood before it."""
    environ = {**os.environ, "STENO_JOURNAL_DIR": str(folder / "journal"), "STENO_TRACKING_URI": through}
    for _ in range(3):
        subprocess.run([*STENO, "sync"], cwd=folder, env=environ, capture_output=True, check=False, timeout=60)
        if not list((folder / "journal").glob("*.journal")):
            break
    client = steno.Client(uri)
    runs = [run for run in client.search_runs(["0"]) if run.info.status == "FINISHED"]
    points = [point.step for point in client.get_metric_history(run_id, "loss")]
    models = client.search_logged_models(["0"])
    whole = points == list(range(STEPS)) and len(runs) == 1 + FITS and len(models) == FITS
    return "once" if whole else f"{len(points)} points, {len(runs)} runs, {len(models)} models"


def main() -> None:
    """Print one line per way."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    there: dict[str, set[str]] = {way: set() for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            with tempfile.TemporaryDirectory() as name, serving(Path(name)) as url:
                folder, between = Path(name) / "client", Middleman(url)
                folder.mkdir()
                between.be("" if way == "file" else way)
                uri = f"sqlite:///{folder}/runs.db" if way == "file" else between.url
                seconds, run_id = train(uri, folder)
                found[way].append(seconds)
                between.be("")
                there[way].add(arrived(uri if way == "file" else url, uri, run_id, folder))
                between.close()
    print(f"{rounds} rounds, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'the server':44s} {'begin ms':>9s} {'loop':>6s} {'end ms':>8s} {'fits':>6s}  arrived")
    for way, title in WAYS.items():
        columns = list(zip(*found[way], strict=True))
        begin, _, end, _ = (statistics.median(column) for column in columns)
        loop, fits = (
            statistics.median(mine[at] / file[at] for mine, file in zip(found[way], found["file"], strict=True))
            for at in (1, 3)
        )
        print(f"{title:44s} {begin * 1e3:9.1f} {loop:6.2f} {end * 1e3:8.1f} {fits:6.2f}  {', '.join(there[way])}")
    loop, fits = (statistics.median(each[at] for each in found["file"]) for at in (1, 3))
    print(f"in a file the loop takes {loop * 1e3:.0f} ms, the fits {fits * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
