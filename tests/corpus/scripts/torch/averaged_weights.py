# runs: 1
# metrics: loss
"""Averages of weights: by swa_utils, and by an exponential mean kept by hand."""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn

torch.manual_seed(77)
X, noise = torch.randn(96, 4), 0.1 * torch.randn(96, 1)
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(X, X[:, :1] * 2 + noise), batch_size=24, shuffle=True
)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
ema = copy.deepcopy(model).requires_grad_(False)
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
swa_scheduler = SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
loss_fn = nn.MSELoss()
for epoch in range(8):
    for input, target in loader:
        optimizer.zero_grad()
        loss_fn(model(input), target).backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(ema.parameters(), model.parameters()):
                slow.mul_(0.9).add_(fast, alpha=0.1)
    if epoch > 4:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    else:
        scheduler.step()
    print(epoch, optimizer.param_groups[0]["lr"])
update_bn(loader, swa_model)
for name, each in (("model", model), ("swa", swa_model), ("ema", ema)):
    each.eval()
    with torch.no_grad():
        print(name, loss_fn(each(X), X[:, :1] * 2).item())
print(swa_model.n_averaged.item())
