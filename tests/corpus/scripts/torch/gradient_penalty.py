# runs: 1
# metrics: loss_d, loss_g
"""A critic with a penalty on its gradient: backward of a backward, several steps of one for one of the other."""

import torch
import torch.autograd as autograd
from torch import nn

torch.manual_seed(19)
critic = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 1))
generator = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 2))
opt_d = torch.optim.RMSprop(critic.parameters(), lr=2e-3)
opt_g = torch.optim.RMSprop(generator.parameters(), lr=2e-3)


def penalty(real, fake):
    eps = torch.rand(len(real), 1)
    mixed = (eps * real + (1 - eps) * fake).requires_grad_(True)
    (grad,) = autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    return ((grad.norm(2, dim=1) - 1) ** 2).mean()


for it in range(12):
    for _ in range(3):
        real = torch.randn(24, 2) + 2
        fake = generator(torch.randn(24, 2)).detach()
        loss_d = critic(fake).mean() - critic(real).mean() + 10 * penalty(real, fake)
        opt_d.zero_grad()
        loss_d.backward(retain_graph=True)
        opt_d.step()
    loss_g = -critic(generator(torch.randn(24, 2))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if it % 4 == 3:
        print(it, loss_d.item(), loss_g.item())
print(generator(torch.zeros(1, 2)).tolist())
