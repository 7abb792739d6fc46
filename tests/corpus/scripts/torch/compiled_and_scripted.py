# runs: 3
# metrics: loss
"""The same net plain, compiled and scripted."""

import torch
import torch._dynamo.utils
from torch import nn


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.a = nn.Linear(width, width)
        self.b = nn.Linear(width, width)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


def train(make):
    torch.manual_seed(3)
    net = nn.Sequential(Block(4), Block(4))
    run = make(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x = torch.randn(8, 4)
    for i in range(6):
        optimizer.zero_grad()
        loss = (run(x) - x.flip(1)).square().mean()
        loss.backward()
        optimizer.step()
    return loss.item(), sum(p.sum() for p in net.parameters()).item()


print("plain   ", *train(lambda net: net))
print("compiled", *train(lambda net: torch.compile(net, backend="eager", fullgraph=True)))
counters = torch._dynamo.utils.counters
print(dict(counters["stats"]), dict(counters["graph_break"]))
print("scripted", *train(torch.jit.script))
scripted = torch.jit.script(nn.MSELoss())
print(scripted.code.splitlines()[0], scripted(torch.ones(2), torch.zeros(2)).item())
