# runs: 1
# metrics: loss
"""A siamese net by triplets: made in batches by hand, no loader."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F


class Tower(nn.Module):
    def __init__(self, d_in=10, d_out=3):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(d_in, 20), nn.Linear(20, d_out)])
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return self.scale * F.normalize(self.layers[1](torch.tanh(self.layers[0](x))), dim=-1)


def batches(X, y, size):
    order = list(range(len(X)))
    random.shuffle(order)
    for start in range(0, len(order) - size + 1, size):
        anchor = torch.tensor(order[start : start + size])
        same = torch.stack([random.choice((y == y[i]).nonzero()) for i in anchor])[:, 0]
        other = torch.stack([random.choice((y != y[i]).nonzero()) for i in anchor])[:, 0]
        yield X[anchor], X[same], X[other]


random.seed(8)
torch.manual_seed(8)
centres = torch.randn(4, 10)
y = torch.arange(80) % 4
X = centres[y] + 0.8 * torch.randn(80, 10)
net = Tower()
triplet = nn.TripletMarginLoss(margin=0.5)
optim = torch.optim.RMSprop([{"params": net.layers.parameters()}, {"params": [net.scale], "lr": 0.001}], lr=0.01)
for epoch in range(5):
    running, count = 0.0, 0
    for a, p, n in batches(X, y, 16):
        optim.zero_grad()
        loss = triplet(net(a), net(p), net(n))
        loss.backward()
        optim.step()
        running += loss.detach() * len(a)
        count += len(a)
    print(epoch, (running / count).item(), net.scale.item())
with torch.inference_mode():
    z = net(X)
    print(torch.cdist(z[:4], z[:4]).tolist())
