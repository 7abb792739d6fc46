# runs: 1
# metrics: loss
"""Hooks on modules and tensors, a function with its own gradient, parametrized weights."""

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize


class Quantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, levels):
        ctx.save_for_backward(x)
        return (x * levels).round() / levels

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1), None


class Symmetric(nn.Module):
    def forward(self, W):
        return W.triu() + W.triu(1).transpose(-1, -2)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 5)
        parametrize.register_parametrization(self.first, "weight", Symmetric())
        self.second = parametrizations.weight_norm(nn.Linear(5, 5))
        self.third = parametrizations.spectral_norm(nn.Linear(5, 2))

    def forward(self, x):
        return self.third(torch.tanh(self.second(Quantize.apply(torch.tanh(self.first(x)), 8))))


torch.manual_seed(40)
net, seen = Net(), []
net.second.register_forward_hook(lambda m, i, o: seen.append(("forward", round(o.std().item(), 8))))
net.second.register_full_backward_hook(lambda m, gi, go: seen.append(("backward", round(go[0].norm().item(), 8))))
net.first.parametrizations.weight.original.register_hook(lambda g: g.clamp(-0.1, 0.1))
net.third.bias.register_post_accumulate_grad_hook(lambda p: seen.append(("bias", round(p.grad[0].item(), 8))))
opt = torch.optim.NAdam(net.parameters(), lr=0.02)
opt.register_step_pre_hook(lambda o, a, k: seen.append(("step", len(o.state))))
x = torch.randn(16, 5)
for i in range(3):
    opt.zero_grad()
    out = net(x)
    out.retain_grad()
    loss = nn.functional.cross_entropy(out, (x[:, 0] > 0).long())
    loss.backward()
    opt.step()
    print(i, loss.item(), out.grad.norm().item())
print(*seen, sep="\n")
print(len(net._forward_hooks), len(opt._optimizer_step_post_hooks), list(net.state_dict()))
