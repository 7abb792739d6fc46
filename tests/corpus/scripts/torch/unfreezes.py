# runs: 1
# metrics: loss
"""A pretrained body, first frozen, then set free with a smaller rate."""

import torch
from torch import nn

torch.manual_seed(14)
body = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(6), nn.Flatten())
body.requires_grad_(False)
head = nn.Linear(24, 2)
model = nn.Sequential(body, head)
x = torch.randn(60, 1, 20)
x[30:] += torch.sin(torch.arange(20.0))
y = (torch.arange(60) >= 30).long()


def epochs(optimizer, n):
    for _ in range(n):
        for rows in torch.randperm(60).split(20):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(loss.item(), [g["lr"] for g in optimizer.param_groups], body[0].weight.sum().item())


epochs(torch.optim.Adam(head.parameters(), lr=1e-2), 3)
for p in body.parameters():
    p.requires_grad = True
epochs(torch.optim.Adam([{"params": body.parameters(), "lr": 1e-4}, {"params": head.parameters()}], lr=1e-3), 3)
print((model(x).argmax(1) == y).float().mean().item())
