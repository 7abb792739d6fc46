# runs: 4
# metrics: loss, lr
"""One small problem under four schedules, one model after the other."""

import warnings

import torch
from torch.optim import lr_scheduler as S

warnings.simplefilter("always")
X = torch.linspace(-1, 1, 40).unsqueeze(1)
Y = X**3 - 0.3 * X


def run(name, make, needs_metric=False):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(1, 10), torch.nn.SiLU(), torch.nn.Linear(10, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    scheduler = make(optimizer)
    rates = []
    for epoch in range(16):
        loss = torch.nn.functional.mse_loss(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step(loss) if needs_metric else scheduler.step()
        rates.append(round(optimizer.param_groups[0]["lr"], 9))
    print(name, loss.item(), rates)
    return scheduler.state_dict()


run("plateau", lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.3), needs_metric=True)
run("restarts", lambda o: S.CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2, eta_min=1e-4))
run("chained", lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)], milestones=[3]))
print(sorted(run("cyclic", lambda o: S.CyclicLR(o, 0.001, 0.05, step_size_up=3, cycle_momentum=False)))[:3])
