# runs: 2
# metrics: loss
"""Stops in the middle, keeps a checkpoint, and goes on from it as if nothing had been."""

import os
import random

import numpy as np
import torch

CKPT = "checkpoints/last.tar"


def build():
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 6], gamma=0.1)
    return model, optimizer, scheduler


def train(until):
    torch.manual_seed(0)
    model, optimizer, scheduler = build()
    start = 0
    if os.path.isfile(CKPT):
        print("=> loading", CKPT)
        ckpt = torch.load(CKPT, weights_only=False)
        start = ckpt["epoch"]
        model.load_state_dict(ckpt["state_dict"])
        optimizer.load_state_dict(ckpt["optimizer"])
        scheduler.load_state_dict(ckpt["scheduler"])
        torch.set_rng_state(ckpt["rng"]["torch"])
        np.random.set_state(ckpt["rng"]["numpy"])
        random.setstate(ckpt["rng"]["python"])
    for epoch in range(start, until):
        x = torch.randn(16, 3) + np.random.rand() + random.random()
        loss = (model(x).squeeze() - x[:, 0]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(epoch, loss.item(), scheduler.get_last_lr())
    rng = {"torch": torch.get_rng_state(), "numpy": np.random.get_state(), "python": random.getstate()}
    os.makedirs("checkpoints", exist_ok=True)
    torch.save(
        {
            "epoch": until,
            "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "rng": rng,
        },
        CKPT,
    )
    return model


random.seed(1)
np.random.seed(1)
train(4)
model = train(8)
print(model.weight.tolist(), model.bias.tolist())
