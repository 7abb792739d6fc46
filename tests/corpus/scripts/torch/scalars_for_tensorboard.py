# runs: 1
# metrics: Loss/train, Accuracy
# warm: lightning
# unlike: logs/*events*
"""Writes scalars, a histogram and hyper-parameters for TensorBoard on the way."""

import torch
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(2)
writer = SummaryWriter("logs")
x = torch.randn(64, 4)
y = (x[:, 0] > x[:, 1]).long()
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
for epoch in range(8):
    out = model(x)
    loss = torch.nn.functional.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    accuracy = (out.argmax(1) == y).float().mean()
    writer.add_scalar("Loss/train", loss, epoch)
    writer.add_scalar("Accuracy", accuracy.item(), epoch)
    writer.add_scalars("Weights", {"least": model.weight.min(), "most": model.weight.max()}, epoch)
    writer.add_histogram("bias", model.bias, epoch)
writer.add_text("note", "all is well")
writer.add_graph(model, x[:1])
writer.flush()
writer.close()
print(loss.item(), accuracy.item(), writer.get_logdir())
