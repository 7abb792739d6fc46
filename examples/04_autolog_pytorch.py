"""Autologging of a plain PyTorch loop: nothing in it knows of steno, and its model loads back."""

from __future__ import annotations

import steno
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train(epochs: int = 3) -> nn.Module:
    """Train as one does."""
    images, labels = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(labels))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    for _ in range(epochs):
        for inputs, wanted in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), wanted)
            loss.backward()
            optimizer.step()
        scheduler.step()
    return model


def main() -> None:
    """Train with autologging, then load the model back from the run."""
    torch.manual_seed(0)
    steno.autolog()
    with steno.start_run(run_name="digits") as run:  # without it, the loop has a run of its own until the script ends
        model = train()
        model.eval()
        with torch.no_grad():
            steno.log_metric("confidence", model(torch.zeros(1, 64)).softmax(1).max().item())  # what no loop tells

    found = steno.get_run(run.info.run_id)
    print(f"run {found.info.run_id} {found.info.status}: {found.data.params['optimizer_name']}")
    for point in steno.Client().get_metric_history(found.info.run_id, "loss_epoch"):
        print(f"  mean loss until step {point.step}: {point.value:.4f}")

    loaded = steno.pytorch.load_model(f"runs:/{found.info.run_id}/model").eval()
    same = torch.equal(loaded(torch.ones(1, 64)), model(torch.ones(1, 64)))
    print("the loaded model predicts the same:", same)


if __name__ == "__main__":
    main()
