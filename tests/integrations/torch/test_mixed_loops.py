"""Loops in which steps that are alike alternate with steps that are not: every value stands at its own step."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict

import pytest
import steno
import torch
from torch import nn

from .conftest import history, loader, net, only_run


class Oracle:
    """Trains as it is told, and writes down by itself what has to be recorded."""

    def __init__(self, optimizers: int) -> None:
        self.model = net()
        parts = [list(self.model.parameters())] if optimizers == 1 else [list(self.model[0].parameters())]
        parts += [list(self.model[2].parameters())] * (optimizers - 1)
        self.optimizers = [torch.optim.SGD(part, lr=0.1) for part in parts]
        self.X = torch.linspace(0.0, 1.0, 12).reshape(4, 3)
        self.series = defaultdict(list)
        self.steps = [0] * optimizers
        self.lrs = [None] * optimizers

    def backward(self) -> None:
        loss = self.model(self.X).square().mean()
        loss.backward()
        self.waiting = [*getattr(self, "waiting", []), ("loss", loss.item())]

    def another_backward(self) -> None:
        penalty = self.model[0].weight.abs().sum()
        penalty.backward()
        self.waiting = [*getattr(self, "waiting", []), ("penalty", penalty.item())]

    def step(self, which: int = 0) -> None:
        optimizer = self.optimizers[which]
        optimizer.step()
        optimizer.zero_grad()
        self.steps[which] += 1
        step, suffix = self.steps[which], f"/{which}" if which else ""
        for name, value in getattr(self, "waiting", []):
            owner = self.__dict__.setdefault(f"owner of {name}", which)
            self.series[name if owner == which else f"{name}/{which}"].append((step, value))
        self.waiting = []
        lr = optimizer.param_groups[0]["lr"]
        if lr != self.lrs[which]:
            self.lrs[which] = lr
            self.series[f"lr{suffix}"].append((step, lr))


@pytest.mark.parametrize("optimizers", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_every_loss_stands_at_its_step(autolog, seed, optimizers):
    chance, oracle = random.Random(seed), Oracle(optimizers)
    for _ in range(2):
        oracle.backward()
        oracle.step()
    for _ in range(300):
        which = chance.randrange(optimizers) if chance.random() < 0.2 else 0
        if chance.random() < 0.9:
            oracle.backward()
        if chance.random() < 0.1:
            oracle.another_backward()
        if chance.random() < 0.1:
            oracle.optimizers[which].param_groups[0]["lr"] *= 0.5
        if chance.random() < 0.05:
            time.sleep(0.01)
        if chance.random() < 0.02:
            steno.get_run(only_run().info.run_id)
        oracle.step(which)
    run = only_run()
    for key, points in oracle.series.items():
        assert history(run, key) == points, key


def test_every_third_step_is_recorded_where_it_stands(autolog):
    autolog(every_n_steps=3)
    oracle = Oracle(1)
    for _ in range(50):
        oracle.backward()
        oracle.step()
    assert history(only_run(), "loss") == [point for point in oracle.series["loss"] if point[0] % 3 == 0]


def test_another_thread_may_read_the_run_at_any_time(autolog):
    oracle = Oracle(1)
    for _ in range(3):
        oracle.backward()
        oracle.step()
    run, over = only_run(), threading.Event()
    seen = []

    def read():
        while not over.is_set():
            seen.append(len(history(run, "loss")))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(600):
        oracle.backward()
        if number % 40 == 0:
            oracle.another_backward()
        oracle.step()
    over.set()
    reader.join()
    assert seen == sorted(seen)
    assert history(run, "loss") == oracle.series["loss"]
    assert history(run, "penalty") == oracle.series["penalty"]


def test_two_optimizers_of_the_same_parameters_count_together(autolog):
    model, X = net(), torch.linspace(0.0, 1.0, 12).reshape(4, 3)
    first = torch.optim.SGD(model.parameters(), lr=0.1)
    second = torch.optim.SGD(model.parameters(), lr=0.01)
    seen = []
    for number in range(40):
        optimizer = second if number % 4 == 3 else first
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X), X.sum(1, keepdim=True))
        loss.backward()
        optimizer.step()
        seen.append((number + 1, loss.item()))
    assert sorted(history(only_run(), "loss")) == seen


def test_means_of_epochs_are_those_of_all_their_steps(autolog):
    model, data = net(), loader(rows=200, batch_size=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    means = []
    for epoch in range(4):
        total = 0.0
        for number, (inputs, wanted) in enumerate(data):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            if number == epoch * 7:
                optimizer.param_groups[0]["lr"] *= 0.9
            optimizer.step()
            total += loss.item()
        means.append(total / len(data))
    steno.autolog(disable=True)
    run = only_run()
    assert [step for step, _ in history(run, "loss_epoch")] == [50, 100, 150, 200]
    assert [value for _, value in history(run, "loss_epoch")] == pytest.approx(means)
    assert history(run, "epoch") == [(50, 0.0), (100, 1.0), (150, 2.0), (200, 3.0)]
