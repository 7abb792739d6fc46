# runs: 1
# metrics: loss
"""Early stopping by hand, with the best state put back, and a progress line that rewrites itself."""

import copy
import sys

import torch
from torch import nn


class EarlyStopping:
    def __init__(self, patience=3, delta=1e-3):
        self.patience, self.delta, self.best, self.bad, self.state = patience, delta, float("inf"), 0, None

    def __call__(self, value, model):
        if value < self.best - self.delta:
            self.best, self.bad, self.state = value, 0, copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


torch.manual_seed(6)
x = torch.randn(40, 12)
y = x[:, 0] + 0.8 * torch.randn(40)
train_x, val_x, train_y, val_y = x[:20], x[20:], y[:20], y[20:]
net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
mse, stopper = nn.MSELoss(), EarlyStopping()
for epoch in range(100):
    net.train()
    opt.zero_grad()
    loss = mse(net(train_x), train_y)
    loss.backward()
    opt.step()
    net.eval()
    with torch.no_grad():
        val_loss = mse(net(val_x), val_y).item()
    sys.stdout.write(f"\r[{'=' * (epoch % 10):<10}] epoch {epoch} train {loss.item():.6f} val {val_loss:.6f}")
    sys.stdout.flush()
    sys.stderr.write(".")
    if stopper(val_loss, net):
        print("\nstopped at", epoch)
        break
net.load_state_dict(stopper.state)
print(stopper.best, mse(net(val_x), val_y).item())
