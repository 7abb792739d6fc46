"""Raw PyTorch loops under the suite that every integration passes."""

from __future__ import annotations

import torch
from steno.testing.integration import IntegrationSuite
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# What writes models imports it first when a run ends.
import safetensors.torch  # noqa: F401, isort: skip


def _loop(target: torch.Tensor) -> nn.Module:
    torch.manual_seed(0)
    data = DataLoader(TensorDataset(torch.randn(24, 3), target), batch_size=8, shuffle=True)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.2), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for _ in range(2):
        for inputs, wanted in data:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            optimizer.step()
        scheduler.step()
    return model


class TestLoop(IntegrationSuite):
    name = "pytorch"
    loop = True
    keeps_models = True
    ways = ("clean", "fork", "spawn")
    unsteady = ("torch.utils.hooks.RemovableHandle.next_id", "torch.random.manual_seed")  # by torch._dynamo

    def train(self):
        return _loop(torch.ones(24, 1))

    def fail(self):
        model = _loop(torch.ones(24, 1))
        model(torch.ones(2, 5)).sum().backward()

    def shown(self, model):
        return [parameter.tolist() for parameter in model.parameters()]
