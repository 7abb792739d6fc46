"""Trainings by turns in one process: plain twice, without model, with model, in another order each round.

The two plain ways differ in nothing, so what is found between them is what the machine adds by itself: a share within
that tells nothing. Each share has the 95 % interval that drawing the rounds again (bootstrap) gives it.
"""

from __future__ import annotations

import logging
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import steno

PLAIN, AGAIN, WITHOUT, WITH = "plain", "plain again", "without model", "with model"
WAYS: dict[str, Callable[[], None]] = {
    PLAIN: lambda: steno.autolog(disable=True),
    AGAIN: lambda: steno.autolog(disable=True),
    WITHOUT: lambda: steno.autolog(log_models=False, silent=True),
    WITH: lambda: steno.autolog(silent=True),
}
CLOCKS = ("wall-clock", "processor time of the training thread")
Times = dict[str, list[tuple[float, float]]]


def main(job: Callable[[], None], rounds: int) -> None:
    """Measure, and print a line for each way and clock; the first argument on the command line is another count."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        steno.set_tracking_uri(f"sqlite:///{folder}/runs.db")
        found = measure(job, int(sys.argv[1]) if len(sys.argv) > 1 else rounds)
        steno.autolog(disable=True)
        told = [float(run.data.tags["steno.overhead_percent"]) for run in steno.search_runs(output_format="list")]
    for clock, name in enumerate(CLOCKS):
        _print(name, {way: [each[clock] for each in times] for way, times in found.items()})
    print(f"as its runs tell it: {statistics.median(told):.2f} %")


def measure(job: Callable[[], None], rounds: int) -> Times:
    """Return (wall-clock, thread CPU) seconds of each training; what waits to be written is written in between."""
    chance = random.Random(0)
    found: Times = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way in chance.sample(list(WAYS), len(WAYS)):
            WAYS[way]()
            steno.flush()
            began = time.perf_counter(), time.thread_time()
            job()
            took = time.perf_counter() - began[0], time.thread_time() - began[1]
            if turn:  # the first of each way imports what it needs
                found[way].append(took)
    steno.flush()
    return found


def _print(clock: str, times: dict[str, list[float]]) -> None:
    base = [(one + two) / 2 for one, two in zip(times[PLAIN], times[AGAIN], strict=True)]
    print(f"{clock}: plain {statistics.median(base) * 1000:.0f} ms, shortest {min(times[PLAIN]) * 1000:.0f} ms")
    for way, beside in ((AGAIN, times[PLAIN]), (WITHOUT, base), (WITH, base)):
        shares = [100 * (one / plain - 1) for one, plain in zip(times[way], beside, strict=True)]
        low, high = _interval(shares)
        shortest = 100 * (min(times[way]) / min(times[PLAIN] + times[AGAIN]) - 1)
        print(f"  {way}: {statistics.median(shares):+.2f} % [{low:+.2f}, {high:+.2f}], shortest {shortest:+.2f} %")


def _interval(shares: list[float]) -> tuple[float, float]:
    """Between which values the median of other such rounds would lie, 95 times of 100."""
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(shares, k=len(shares))) for _ in range(2000))
    return medians[50], medians[-50]
