# runs: 1
# metrics: loss
"""Stops on Ctrl-C, politely: catches it, saves, and says goodbye."""

import os
import signal

import torch

torch.manual_seed(0)
model = torch.nn.Bilinear(3, 3, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
x = torch.randn(20, 3)
step = 0
try:
    while True:
        opt.zero_grad(True)
        loss = (model(x, x)[:, 0] - x.norm(dim=1)).abs().mean()
        loss.backward()
        opt.step()
        step += 1
        if step == 25:
            os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted at step", step, "with", loss.item())
    torch.save(model, "whole.pt")
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, type(torch.load("whole.pt", weights_only=False)))
