# runs: 1
# metrics: loss
# unlike: *.pt2
"""Copies, traces, exports and pickles a net, its optimizer and its schedule in the midst of the training."""

import copy
import hashlib
import io
import pickle

import torch
from torch import fx, nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
x = torch.randn(32, 4)
for epoch in range(8):
    loss = (model(x)[:, 0] - x.sum(1)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if epoch % 3 == 1:
        twin = copy.deepcopy(model)
        traced = torch.jit.trace(model, x)
        graph = fx.symbolic_trace(model)
        exported = torch.export.export(model, (x,))
        print([str(n) for n in graph.graph.nodes], len(exported.graph.nodes), len(traced.code))
        print(torch.equal(twin(x), traced(x)), torch.equal(exported.module()(x), graph(x)))
        print(hashlib.md5(pickle.dumps(optimizer.state_dict()["param_groups"])).hexdigest(), sorted(vars(scheduler)))
        buffer = io.BytesIO()
        torch.save([model, optimizer, scheduler], buffer)
        print(len(buffer.getvalue()), hashlib.md5(buffer.getvalue()).hexdigest())
        print(len(model._forward_pre_hooks), len(model._forward_hooks), sorted(vars(optimizer)), sorted(vars(model)))
torch.export.save(exported, "midway.pt2")
print(loss.item())
