# runs: 1
# metrics: loss
"""A notebook turned into a script: cells as text, each run by exec, with no source to be found."""

cells = [
    "import torch, torch.nn as nn\ntorch.manual_seed(1);",
    "x = torch.randn(50, 3)\ny = (x ** 2).sum(1, keepdim=True)",
    "net = nn.Sequential(nn.Linear(3, 10), nn.Tanh(), nn.Linear(10, 1))\nopt = torch.optim.Adam(net.parameters(), 0.03)",
    "history = []\nfor i in range(20):\n    opt.zero_grad(); l = nn.MSELoss()(net(x), y); l.backward(); opt.step()\n"
    "    history += [l.item()]",
    "print(history[::5])",
    "net.eval(); print(net(x[:2]).tolist())",
    "for i in range(5):\n    opt.zero_grad(); l = nn.MSELoss()(net(x), y); l.backward(); opt.step()\nprint(l)",
]
space = {"__name__": "cells"}
for cell in cells:
    exec(cell, space)
