"""Loops that evaluate, and what is seen of them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.loss import _Loss
from torch.utils.data import DataLoader, TensorDataset

from .conftest import loader, net

X = torch.linspace(-1.0, 1.0, 30).reshape(10, 3)
Y = X.sum(1, keepdim=True)


def sgd(model, lr=0.05):
    return torch.optim.SGD(model.parameters(), lr=lr)


def held_out(rows=10, batch_size=4):
    return DataLoader(TensorDataset(X[:rows] * 2, Y[:rows]), batch_size=batch_size)


def true_loss(model, inputs, wanted):
    """What an evaluation has to give, by a function that nobody hears."""
    with torch.no_grad():
        return nn.functional.mse_loss(model(inputs), wanted).item()


def evaluate(model, criterion, data):
    model.eval()
    with torch.no_grad():
        for inputs, wanted in data:
            criterion(model(inputs), wanted)


def epoch(model, optimizer, criterion, data):
    model.train()
    for inputs, wanted in data:
        optimizer.zero_grad()
        loss = criterion(model(inputs), wanted)
        loss.backward()
        optimizer.step()


def train(evaluation, epochs=3, criterion=None, data=None):
    """Train, and let a function evaluate after each epoch; return what it gives."""
    model, criterion, data = net(), criterion or nn.MSELoss(), data or loader()
    optimizer = sgd(model)
    seen = []
    for _ in range(epochs):
        epoch(model, optimizer, criterion, data)
        seen.append(evaluation(model, criterion))
    return seen


def told(run, prefix="val_"):
    return sorted(key for key in run.data.metrics if key.startswith(prefix))


def is_heard():
    return "__call__" in vars(_Loss)
