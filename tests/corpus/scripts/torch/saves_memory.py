# runs: 1
# metrics: loss
"""Gradient checkpointing, both kinds, inside one net."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.1), nn.ELU()) for _ in range(4)])
        self.tail = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x):
        for n, layer in enumerate(self.layers):
            x = checkpoint(layer, x, use_reentrant=bool(n % 2))
        return checkpoint_sequential(self.tail, 2, x, use_reentrant=False)


torch.manual_seed(0)
model = Deep()
opt = torch.optim.Adamax(model.parameters(), lr=0.01)
x = torch.randn(32, 8)
y = x.prod(1, keepdim=True)
for i in range(8):
    opt.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    opt.step()
    print(i, loss.item())
print(torch.rand(2).tolist())
