# runs: 1
# metrics: total
"""One trunk, three heads, weights between the losses that are learned too."""

import torch
import torch.nn as nn

torch.manual_seed(31)


class MultiHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.2))
        self.heads = nn.ModuleDict({"kind": nn.Linear(16, 3), "size": nn.Linear(16, 1), "tags": nn.Linear(16, 4)})
        self.log_var = nn.ParameterDict({k: nn.Parameter(torch.zeros(())) for k in self.heads})

    def forward(self, x):
        h = self.trunk(x)
        return {k: head(h) for k, head in self.heads.items()}


x = torch.randn(120, 5)
targets = {
    "kind": x[:, :3].argmax(1),
    "size": x.sum(1, keepdim=True),
    "tags": (x[:, :4] > 0).float(),
}
losses = {"kind": nn.CrossEntropyLoss(), "size": nn.L1Loss(), "tags": nn.BCEWithLogitsLoss()}
model = MultiHead()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for start in range(0, 120, 40):
        rows = slice(start, start + 40)
        out = model(x[rows])
        each = {k: losses[k](out[k], targets[k][rows]) for k in out}
        total = sum(torch.exp(-model.log_var[k]) * v + model.log_var[k] for k, v in each.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    print(epoch, {k: round(v.item(), 8) for k, v in each.items()}, total.item())
print({k: v.item() for k, v in model.log_var.items()})
