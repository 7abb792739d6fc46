# runs: 1
# metrics: loss
"""Distributed data parallel with a world of one."""

import os
import tempfile

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def setup(folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=0, world_size=1)


def cleanup():
    dist.destroy_process_group()


def demo_basic():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(10, 10), torch.nn.ReLU(), torch.nn.Linear(10, 5))
    ddp_model = DDP(model)
    loss_fn = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(ddp_model.parameters(), lr=0.05)
    data = TensorDataset(torch.randn(40, 10), torch.randn(40, 5))
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=8, sampler=sampler)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(ddp_model(x), y)
            loss.backward()
            optimizer.step()
        gathered = loss.detach().clone()
        dist.all_reduce(gathered)
        print(f"rank {dist.get_rank()} of {dist.get_world_size()}, epoch {epoch}: {gathered.item()}")
    torch.save(ddp_model.module.state_dict(), "rank0.pt")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        setup(folder)
        demo_basic()
        cleanup()
    print("RANK" in os.environ, dist.is_initialized())
