# runs: 1
# metrics: loss
"""A net that obeys an equation: decay, with derivatives by autograd.grad."""

import torch
from torch import nn

torch.manual_seed(123)
torch.set_default_dtype(torch.float64)


class FCN(nn.Module):
    """A fully connected net of tanh layers."""

    def __init__(self, n_in, n_out, n_hidden, n_layers):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(n_in, n_hidden), nn.Tanh())
        self.middle = nn.Sequential(*[nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.Tanh()) for _ in range(n_layers)])
        self.end = nn.Linear(n_hidden, n_out)

    def forward(self, t):
        return self.end(self.middle(self.start(t)))


pinn = FCN(1, 1, 12, 2)
t_boundary = torch.zeros(1, 1).requires_grad_(True)
t_physics = torch.linspace(0, 2, 25).view(-1, 1).requires_grad_(True)
rate = nn.Parameter(torch.tensor(0.5))
optimiser = torch.optim.Adam([*pinn.parameters(), rate], lr=5e-3)
for i in range(40):
    optimiser.zero_grad()
    loss1 = (pinn(t_boundary) - 1).square().sum()
    u = pinn(t_physics)
    dudt = torch.autograd.grad(u, t_physics, torch.ones_like(u), create_graph=True)[0]
    loss2 = ((dudt + rate * u) ** 2).mean()
    loss3 = (pinn(torch.ones(1, 1)) - 0.3).square().sum()
    loss = loss1 + 0.5 * loss2 + loss3
    loss.backward()
    optimiser.step()
    if i % 10 == 0:
        print(i, loss1.item(), loss2.item(), rate.item())
print(pinn(t_physics)[::12].flatten().tolist())
