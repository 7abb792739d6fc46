# runs: 3
# metrics: loss
"""K folds, a fresh net for each; the folds made by hand."""

import numpy as np
import torch
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset


def reset_weights(m):
    if hasattr(m, "reset_parameters"):
        m.reset_parameters()


torch.manual_seed(42)
rng = np.random.default_rng(42)
X = torch.from_numpy(rng.normal(size=(90, 4)).astype("float32"))
dataset = TensorDataset(X, (X[:, 0] + X[:, 1] > 0).float())
loss_function = torch.nn.BCEWithLogitsLoss()
results = {}
for fold, test_ids in enumerate(np.array_split(rng.permutation(90), 3)):
    train_ids = np.setdiff1d(np.arange(90), test_ids)
    print("FOLD", fold)
    trainloader = DataLoader(dataset, batch_size=15, sampler=SubsetRandomSampler(train_ids))
    testloader = DataLoader(dataset, batch_size=15, sampler=SubsetRandomSampler(test_ids))
    network = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 1))
    network.apply(reset_weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for epoch in range(4):
        current_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            inputs, targets = data
            optimizer.zero_grad()
            outputs = network(inputs)
            loss = loss_function(outputs[:, 0], targets)
            loss.backward()
            optimizer.step()
            current_loss += loss.item()
        print("loss after epoch %d: %.8f" % (epoch, current_loss / len(trainloader)))
    correct, total = 0, 0
    with torch.no_grad():
        for inputs, targets in testloader:
            correct += ((network(inputs)[:, 0] > 0) == targets).sum().item()
            total += len(targets)
    results[fold] = 100.0 * correct / total
    torch.save(network.state_dict(), f"./model-fold-{fold}.pth")
print(results)
