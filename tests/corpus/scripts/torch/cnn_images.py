# runs: 1
# metrics: loss
"""A small convolutional net tells drawn crosses from circles; with loaders, a test pass, and a saved file."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, random_split

torch.manual_seed(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Drawings(Dataset):
    def __init__(self, n, size=12):
        grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")).float()
        self.images, self.labels = [], []
        for i in range(n):
            centre = size / 2 + torch.randn(2, 1, 1)
            far = grid - centre
            if i % 2:
                image = (far.pow(2).sum(0).sqrt() - 3).abs() < 0.8
            else:
                image = (far.abs().min(0).values < 0.8) & (far.abs().max(0).values < 4)
            self.images.append((image.float() + 0.3 * torch.randn(size, size)).unsqueeze(0))
            self.labels.append(i % 2)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 8, 3)
        self.drop = nn.Dropout2d(0.1)
        self.fc = nn.Linear(8 * 2 * 2, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.drop(self.conv2(x)))
        x = F.adaptive_max_pool2d(x, 2)
        return F.log_softmax(self.fc(x.flatten(1)), dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % 3 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.9f}")


def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data.to(device))
            test_loss += F.nll_loss(output, target.to(device), reduction="sum").item()
            correct += output.argmax(dim=1, keepdim=True).eq(target.view_as(output[:, :1])).sum().item()
    print(f"\nTest set: Average loss: {test_loss / len(loader.dataset)}, Accuracy: {correct}/{len(loader.dataset)}\n")


def main():
    training, testing = random_split(Drawings(160), [128, 32])
    train_loader = DataLoader(training, batch_size=16, shuffle=True)
    test_loader = DataLoader(testing, batch_size=32)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(1, 4):
        train(model, train_loader, optimizer, epoch)
        test(model, test_loader)
        scheduler.step()
    torch.save(model.state_dict(), "drawings.pt")


if __name__ == "__main__":
    main()
