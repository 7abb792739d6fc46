# runs: 1
# metrics: loss
"""Fabric: a loop of one's own, with Lightning below it."""

import torch
from lightning.fabric import Fabric, seed_everything

seed_everything(6)
fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
fabric.launch()
model = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Mish(), torch.nn.Linear(12, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model, optimizer = fabric.setup(model, optimizer)
x = torch.randn(60, 6)
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(x, (x.sum(1) > 0).long()), batch_size=12, shuffle=True
)
loader = fabric.setup_dataloaders(loader)
for epoch in range(3):
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        fabric.backward(loss)
        fabric.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()
    fabric.print(epoch, loss.item())
fabric.save("fabric.ckpt", {"model": model, "epoch": epoch})
print(sorted(fabric.load("fabric.ckpt")), fabric.global_rank)
