# runs: 2
# metrics: loss
"""Half precision on the CPU: autocast to bfloat16, then a scaler with its skipped steps."""

import torch
from torch.amp import GradScaler, autocast

torch.manual_seed(0)
x, w = torch.randn(64, 6), torch.randn(6, 1)
y = x @ w


def make():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1))


model = make()
opt = torch.optim.SGD(model.parameters(), lr=0.05)
for i in range(10):
    opt.zero_grad()
    with autocast("cpu", dtype=torch.bfloat16):
        pred = model(x)
        loss = torch.nn.functional.mse_loss(pred.float(), y)
    loss.backward()
    opt.step()
print("bfloat16", pred.dtype, loss.item())

model = make()
opt = torch.optim.Adam(model.parameters(), lr=0.02)
scaler = GradScaler("cpu", init_scale=2.0**14, growth_interval=4)
for i in range(12):
    opt.zero_grad(set_to_none=True)
    loss = torch.nn.functional.mse_loss(model(x), y)
    if i == 5:
        loss = loss * float("inf")
    scaler.scale(loss).backward()
    scaler.unscale_(opt)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    scaler.step(opt)
    scaler.update()
    print(i, loss.item(), scaler.get_scale())
print(sum(p.double().sum() for p in model.parameters()).item())
