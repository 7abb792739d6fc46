# runs: 0
# why: weights are changed by hand: without an optimizer there is no step that anyone could notice.
"""Gradient descent in plain arithmetic, in three manners; and gradients nobody steps with."""

import math

import torch
from torch.func import functional_call, grad_and_value

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
a, b, c, d = (torch.randn((), requires_grad=True) for _ in range(4))
for t in range(200):
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum()
    if t % 50 == 49:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-6 * p.grad
            p.grad = None
print(f"y = {a.item()} + {b.item()} x + {c.item()} x^2 + {d.item()} x^3")

net = torch.nn.Linear(2, 1)
params = {k: v.detach() for k, v in net.named_parameters()}
data, target = torch.randn(20, 2), torch.randn(20, 1)
step = grad_and_value(lambda p: ((functional_call(net, p, (data,)) - target) ** 2).mean())
for _ in range(5):
    grads, value = step(params)
    params = {k: v - 0.1 * grads[k] for k, v in params.items()}
print(value.item())

v = torch.tensor([1.0, 2.0], requires_grad=True)
(v**3).sum().backward()
print(v.grad.tolist(), torch.autograd.functional.hessian(lambda u: (u**3).sum(), v).tolist())
