# runs: 4
# metrics: loss
"""Hyper-parameters drawn at random; each trial in a function that cleans up behind itself."""

import gc
import random

import torch


def objective(lr, width, optimizer_name):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))
    optimizer = getattr(torch.optim, optimizer_name)(model.parameters(), lr=lr)
    x = torch.randn(50, 3)
    y = x.abs().sum(1, keepdim=True)
    for _ in range(15):
        optimizer.zero_grad()
        loss = torch.nn.functional.l1_loss(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


random.seed(20)
space = {"lr": lambda: 10 ** random.uniform(-3, -1), "width": lambda: random.choice([4, 8, 16])}
space["optimizer_name"] = lambda: random.choice(["SGD", "Adagrad", "RAdam", "Rprop"])
trials = []
for number in range(4):
    params = {key: draw() for key, draw in space.items()}
    trials.append((objective(**params), params))
    gc.collect()
    print(f"trial {number}: {trials[-1][0]:.10f} with {params}")
print("best:", min(trials, key=lambda t: t[0]))
