"""What autologging adds to a fit of Lightning: 60 epochs of a small net, beside the plain fit, by turns.

usage: python tests/benchmarks/lightning_fit.py [ROUNDS]

Prints wall-clock time and the training thread's CPU time: the median of the differences within a round with its
quartiles, and the difference of the shortest, which a busy machine disturbs least. The model of a fit is written
while nothing is measured, after the pause that it waits for.
"""

from __future__ import annotations

import itertools
import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import steno
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

X = torch.randn(2_000, 20, generator=torch.Generator().manual_seed(0))
Y = (X.sum(1) > 0).float()
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}

WAYS: dict[str, Callable[[], None]] = {
    "plain": lambda: steno.autolog(disable=True),
    "without model": lambda: steno.autolog(log_models=False),
    "with model": lambda: steno.autolog(),
}


class Net(LightningModule):
    """A classifier of 353 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Log the loss by step and by epoch."""
        x, y = batch
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.layers(x).squeeze(1), y)
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters())


def fit() -> None:
    """Train for 480 steps."""
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(X, Y), batch_size=256)
    Trainer(max_epochs=60, accelerator="cpu", **QUIET).fit(Net(), loader)


def measure(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (wall-clock, thread CPU) seconds of each fit, way by way, in another order each round."""
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    orders = itertools.cycle(itertools.permutations(WAYS))
    for turn, order in zip(range(rounds + 1), orders, strict=False):
        for way in order:
            WAYS[way]()
            steno.flush()
            wall, thread = time.perf_counter(), time.thread_time()
            fit()
            if turn:  # the first pays for imports
                found[way].append((time.perf_counter() - wall, time.thread_time() - thread))
            steno.flush()
    return found


def main() -> None:
    """Print one line per way and clock."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        steno.set_tracking_uri(f"sqlite:///{folder}/runs.db")
        found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
        told = [float(run.data.tags["steno.overhead_percent"]) for run in steno.search_runs(output_format="list")]
    for clock, name in enumerate(("wall-clock", "thread CPU")):
        plain = [times[clock] for times in found["plain"]]
        print(f"{name}: plain {statistics.median(plain) * 1000:.0f} ms")
        for way in list(WAYS)[1:]:
            shares = [100 * (one[clock] / base - 1) for one, base in zip(found[way], plain, strict=True)]
            low, middle, high = statistics.quantiles(shares, n=4)
            least = 100 * (min(times[clock] for times in found[way]) / min(plain) - 1)
            print(f"  {way}: {middle:+.2f} % [{low:+.2f}, {high:+.2f}], the shortest {least:+.2f} %")
    print(f"as its runs tell it: {statistics.median(told):.2f} %")


if __name__ == "__main__":
    main()
