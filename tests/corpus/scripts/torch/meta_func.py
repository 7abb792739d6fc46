# runs: 1
# metrics: loss
"""Learning to learn sines: inner steps by torch.func, outer steps by an optimizer."""

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(12)
net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1))
params = dict(net.named_parameters())
opt = torch.optim.Adam(params.values(), lr=0.01)


def net_loss(params, x, y):
    return ((functional_call(net, params, (x,)) - y) ** 2).mean()


def adapted_loss(params, x1, y1, x2, y2):
    grads = grad(net_loss)(params, x1, y1)
    inner = {k: params[k] - 0.1 * g for k, g in grads.items()}
    return net_loss(inner, x2, y2)


def tasks(n=8, k=6):
    A, phase = torch.rand(n, 1, 1) * 2 + 0.5, torch.rand(n, 1, 1) * 3.14
    x1, x2 = torch.rand(n, k, 1) * 6 - 3, torch.rand(n, k, 1) * 6 - 3
    return x1, A * torch.sin(x1 + phase), x2, A * torch.sin(x2 + phase)


for it in range(30):
    loss = vmap(adapted_loss, in_dims=(None, 0, 0, 0, 0))(params, *tasks()).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 6 == 0:
        print("iteration %d: %.8f" % (it, loss))
print({k: float(v.norm()) for k, v in params.items()})
