# runs: 1
# metrics: loss
"""The first training loop of every course."""

import torch
import torch.nn as nn

torch.manual_seed(0)
n = 200
t = torch.rand(n) * 3.14159
kind = torch.arange(n) % 2
X = torch.stack([torch.cos(t) + kind, torch.sin(t) * (1 - 2 * kind) + 0.4 * kind], dim=1) + 0.1 * torch.randn(n, 2)
y = kind.long()

model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(60):
    optimizer.zero_grad()
    output = model(X)
    loss = criterion(output, y)
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}, loss {loss.item()}")
accuracy = (model(X).argmax(dim=1) == y).float().mean()
print("accuracy", accuracy.item(), model)
