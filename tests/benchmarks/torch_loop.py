"""What a raw PyTorch loop pays for being recorded: a tiny MLP, in blocks with and without, taken in turn."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import steno
import torch
from steno.autolog import autolog_one
from torch import nn

STEPS, BLOCK = 50_000, 500


def loop() -> Callable[[int], float]:
    """Return a function that makes so many steps, and tells the seconds of processor time they took."""
    torch.manual_seed(0)
    X, y = torch.randn(32, 8), torch.randn(32, 1)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def steps(count: int) -> float:
        began = time.thread_time()
        for _ in range(count):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(X), y)
            loss.backward()
            optimizer.step()
        return time.thread_time() - began

    return steps


def measure(steps: int = STEPS, block: int = BLOCK) -> dict[str, float]:
    """Return the median time of a plain step, and of what recording adds to it, in microseconds."""
    run, plain, added = loop(), [], []
    run(block)
    for turn in range(steps // (2 * block)):
        took: dict[bool, float] = {}
        for watched in (turn % 2 == 0, turn % 2 == 1):
            if watched:
                # The loop goes on in the run of its first block: it is one training.
                autolog_one("pytorch", log_models=False)
            else:
                steno.autolog(disable=True)
            run(20)  # the interpreter gets used to the change
            took[watched] = run(block) / block * 1e6
        plain.append(took[False])
        added.append(took[True] - took[False])
    steno.autolog(disable=True)
    return {"step_us": statistics.median(plain), "added_us": statistics.median(added)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        steno.set_tracking_uri(Path(folder))
        with steno.start_run():  # one run, as the blocks are one training
            found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
        steno.flush()
    print(f"a step: {found['step_us']:.1f} µs; recorded: +{found['added_us']:.1f} µs")
