"""Raises writers and replayers, and kills them at random times; run by the kill trials in a process of its own.

usage: nursery.py write TRIALS SEED | replay KILLS SEED. Prints one line of JSON: for `write` (run id, points
acknowledged) of each trial, for `replay` how many replayers were killed before they were done.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable

import sqlalchemy  # noqa: F401 - imported once here rather than in each child
import steno
import steno_sql.store  # noqa: F401
from steno.plugins import plugins
from steno.tracking import places, recovery, writer  # noqa: F401

plugins()
shared = mmap.mmap(-1, 4096)  # run id, then how many points were acknowledged


def write() -> None:
    """Log numbered points for ever, and note each one that log_metric has taken."""
    run = steno.start_run(run_name="trial")
    shared[:32] = run.run_id.encode()
    steno.log_param("lr", 0.1)
    step = 0
    while True:
        if step % 7 == 3:
            run.log_metrics({"loss": float(step), "other": 1.0}, step)
        else:
            run.log_metric("loss", float(step), step)
        step += 1
        struct.pack_into("<Q", shared, 32, step)
        if step % 500 == 0:
            run.set_tag("step", step)
            time.sleep(0.001)


def replay() -> None:
    """Deliver what is there."""
    recovery.replay(places.journal_folder(steno.get_tracking_uri()))


def killed_after(work: Callable[[], None], delay_s: float, *, begun: bool = False) -> bool:
    """Fork to do some work, and kill that process after a while (once its run has begun); False if it was done."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    while begun and not shared[0]:
        time.sleep(0.0005)
    time.sleep(delay_s)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def main() -> None:
    """Do what the arguments say."""
    task, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(seed)
    if task == "replay":
        print(sum(killed_after(replay, draw.uniform(0.0, 0.04)) for _ in range(count)))
        return
    trials = []
    for _ in range(count):
        shared[:40] = bytes(40)
        delay_s = draw.choice([0.002, 0.02, 0.06]) * draw.random()
        assert killed_after(write, delay_s, begun=draw.random() < 0.9)
        trials.append((shared[:32].rstrip(b"\0").decode(), struct.unpack_from("<Q", shared, 32)[0]))
    print(json.dumps(trials))


if __name__ == "__main__":
    main()
