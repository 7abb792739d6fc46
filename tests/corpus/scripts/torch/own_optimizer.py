# runs: 2
# metrics: loss
"""An optimizer and a schedule of one's own, global hooks, anomaly detection and its error."""

import math
import warnings

import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

warnings.filterwarnings("ignore", message="Anomaly Detection")


class Lion(Optimizer):
    """Steps by signs."""

    def __init__(self, params, lr=1e-2, beta=0.9):
        super().__init__(params, dict(lr=lr, beta=beta))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.add_(torch.sign(0.9 * mean + 0.1 * p.grad), alpha=-group["lr"])
                mean.lerp_(p.grad, 1 - group["beta"])


class Warm(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [base * math.sqrt(min(1.0, (self.last_epoch + 1) / 5)) for base in self.base_lrs]


steps = []
handle = register_optimizer_step_post_hook(lambda optimizer, args, kwargs: steps.append(type(optimizer).__name__))
torch.manual_seed(2)
model = torch.nn.Linear(3, 1)
optimizer = Lion(model.parameters())
scheduler = Warm(optimizer)
x = torch.randn(30, 3)
for i in range(8):
    loss = (model(x)[:, 0] - x[:, 0]).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(i, loss.item(), scheduler.get_last_lr())
handle.remove()
print(steps, optimizer)

other = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
try:
    with torch.autograd.set_detect_anomaly(True):
        for i in range(6):
            optimizer.zero_grad()
            loss = torch.sqrt((other(torch.zeros(1)) - other.bias) * (i // 4) + (i < 4)).sum()
            loss.backward()
            optimizer.step()
except RuntimeError as error:
    print("after", i, "steps:", str(error).split(".")[0], len(steps))
