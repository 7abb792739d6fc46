# runs: 2
# metrics: loss
"""A large net teaches a small one."""

import torch
import torch.nn.functional as F
from torch import nn, optim

torch.manual_seed(55)
X = torch.randn(150, 6)
y = (X[:, :3].exp().sum(1) > X[:, 3:].exp().sum(1)).long() + (X[:, 0] > 1).long()


def train(model, epochs, learning_rate):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=learning_rate)
    model.train()
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in zip(X.split(50), y.split(50)):
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / 3}")


def distill(teacher, student, epochs, T=2.0, soft=0.25):
    optimizer = optim.Adam(student.parameters(), lr=0.01)
    teacher.eval()
    student.train()
    for epoch in range(epochs):
        with torch.no_grad():
            teacher_logits = teacher(X)
        student_logits = student(X)
        targets = F.softmax(teacher_logits / T, dim=-1)
        soft_loss = F.kl_div(F.log_softmax(student_logits / T, dim=-1), targets, reduction="batchmean") * T**2
        loss = soft * soft_loss + (1 - soft) * F.cross_entropy(student_logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("distilled", loss.item(), soft_loss.item())


nn_deep = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 3))
nn_light = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
train(nn_deep, 3, 0.01)
distill(nn_deep, nn_light, 10)
for model in (nn_deep, nn_light):
    print((model(X).argmax(1) == y).float().mean().item())
