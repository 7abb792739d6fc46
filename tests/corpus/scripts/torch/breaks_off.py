# runs: 1 FAILED
# metrics: loss
# exit: 1
"""The loss stops being a number, and an assertion says so."""

import torch


class Diverged(RuntimeError):
    pass


def check(loss, step):
    if not torch.isfinite(loss):
        raise Diverged(f"loss is {loss.item()} at step {step}")


torch.manual_seed(0)
w = torch.nn.Linear(1, 1)
opt = torch.optim.SGD(w.parameters(), lr=50.0)
x = torch.linspace(1, 10, 10).unsqueeze(1)
for step in range(1000):
    opt.zero_grad()
    loss = (w(x) - 3 * x).pow(2).sum()
    print(step, loss.item())
    loss.backward()
    opt.step()
    check(loss, step)
