"""How fast the embedded store is: `python tests/benchmarks/store.py` prints a median and its target per line."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from steno.queries import Compare, Entity, Field, OrderKey, RunQuery
from steno.records import Batch, RunChange, RunStart, Series
from steno_sql.store import SqlStore

MILLION = 1_000_000
COLD = """
import resource, sys, time
began = time.perf_counter()
from steno.records import Batch, RunStart
from steno_sql.store import SqlStore
loaded = time.perf_counter()
store = SqlStore(sys.argv[1])
store.write("run", Batch(start=RunStart("0", "run", 1), params={"a": "1"}))
written = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print((loaded - began) * 1e3, (written - loaded) * 1e3, peak)
"""


def report(what: str, figure: float, unit: str, target: str = "") -> None:
    """Print one line."""
    print(f"{what:<66} {figure:9.2f} {unit:<8} {target}")


def median_ms(work: Callable[[], object], repeat: int = 7) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def noisy(count: int, seed: int, key: str = "loss") -> Series:
    """Random doubles, a step each, timestamps about a millisecond apart."""
    chance = random.Random(seed)
    times, now = array("q"), 1_700_000_000_000
    for _ in range(count):
        now += chance.choice((0, 1, 1, 1, 2))
        times.append(now)
    return Series(key, array("q", range(count)), times, array("d", [chance.random() for _ in range(count)]))


def search(folder: Path) -> None:
    """10,000 runs of 10 params, 5 metrics and 4 tags."""
    store, chance = SqlStore(f"sqlite:///{folder}/search.db"), random.Random(1)
    for first in range(0, 10_000, 1000):
        children = []
        for number in range(first, first + 1000):
            start = RunStart("0", f"run-{number}", number, tags={"team": chance.choice("abc"), "user": "me", "x": "y"})
            child = Batch(start=start, change=RunChange("FINISHED", number + 5))
            child.params = {f"p{index}": str(chance.random()) for index in range(10)}
            for index in range(5):
                child.add_metric(f"m{index}", chance.random(), 1000)
            children.append((f"run-{number}", child))
        store.write(f"parent-{first}", Batch(start=RunStart("0", "parent", 1), children=children))
    metric = Field(Entity.METRIC, "m1")
    where, best = Compare(metric, ">", 0.5), (OrderKey(metric, ascending=False),)
    for what, query in (
        ("search 10,000 runs: metric filter, metric order, first 100", RunQuery(("0",), where, best, max_results=100)),
        ("search 10,000 runs: newest 100", RunQuery(("0",), max_results=100)),
        ("search 10,000 runs: metric filter, metric order, first 1,000", RunQuery(("0",), where, best)),
    ):
        target = "<= 30" if query.max_results == 100 else ""
        report(what, median_ms(lambda query=query: store.search_runs(query)), "ms", target)  # type: ignore[misc]
    store.close()


def series(folder: Path) -> None:
    """One series of a million points, then ten series of 50,000 in one batch."""
    path = folder / "series.db"
    store = SqlStore(f"sqlite:///{path}")
    store.write("run", Batch(start=RunStart("0", "run", 1)))
    whole = noisy(MILLION, 2)
    began = time.perf_counter()
    store.write("run", Batch(series={"loss": whole}))
    report("write 1,000,000 points of one series", time.perf_counter() - began, "µs/point", "< 1")
    assert store.metric_history("run", "loss").values == whole.values
    report("history of 1,000,000 points", median_ms(lambda: store.metric_history("run", "loss")), "ms", "<= 150")
    report("1,000 buckets of them", median_ms(lambda: store.metric_buckets("run", "loss", 1000)), "ms", "<= 40")
    store.compact()
    report("size on disk, with all overhead", path.stat().st_size / MILLION, "B/point", "<= 12")
    many = {f"m{index}": noisy(50_000, index, f"m{index}") for index in range(10)}
    began = time.perf_counter()
    store.write("run", Batch(series=many))
    report("write 50,000 points x 10 keys in one batch", (time.perf_counter() - began) * 2, "µs/point", "< 1")
    store.close()


def small_writes(folder: Path) -> None:
    """What a writer thread does twice a second, and a search of 200 candidates."""
    store = SqlStore(f"sqlite:///{folder}/small.db")
    store.write("run", Batch(start=RunStart("0", "run", 1)))
    step = 0

    def write() -> None:
        nonlocal step
        batch, step = Batch(), step + 1
        for index in range(10):
            batch.add_metric(f"m{index}", step / 7, step, step)
        store.write("run", batch)

    report("write one point of 10 keys", median_ms(write, 200), "ms")
    children = []
    for number in range(200):
        child = Batch(start=RunStart("0", "child", number, tags={"a": "b"}), change=RunChange("FINISHED", 9))
        child.params = {f"p{index}": str(number) for index in range(6)}
        for index in range(5):
            child.add_metric(f"m{index}", number / 3, 1000)
        children.append((f"child-{number}", child))
    report("write 200 children", median_ms(lambda: store.write("run", Batch(children=children)), 1), "ms", "<= 50")
    report("read a run whole", median_ms(lambda: store.get_run("child-7"), 50), "ms")
    store.close()


def starts(folder: Path) -> None:
    """Fresh processes: the first makes the database, the second finds it."""
    for what, names in (("cold start", [f"new-{n}/steno.db" for n in range(7)]), ("warm open", ["new-0/steno.db"] * 7)):
        figures = []
        for name in names:
            command = [sys.executable, "-c", COLD, f"sqlite:///{folder}/{name}"]
            output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
            figures.append([float(word) for word in output.split()])
        loaded, written, peak = (statistics.median(column) for column in zip(*figures, strict=True))
        report(f"{what}: import", loaded, "ms")
        report(f"{what}: open and one small write", written, "ms")
        report(f"{what}: together", loaded + written, "ms", "<= 250")
        report(f"{what}: peak memory of the process", peak, "MB", "<= 56")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for part in (starts, small_writes, series, search):
            part(Path(name))
