# runs: 1
# metrics: loss
"""Workers, samplers, collate functions and streams without end."""

import itertools

import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
)


class Stream(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        first, jump = (0, 1) if info is None else (info.id, info.num_workers)
        for n in itertools.count(first, jump):
            yield torch.tensor([n % 7, n % 3], dtype=torch.float), float(n % 2)


def pad(samples):
    longest = max(len(s) for s, _ in samples)
    x = torch.stack([torch.cat([s, torch.zeros(longest - len(s))]) for s, _ in samples])
    return {"x": x.sum(1, keepdim=True).repeat(1, 2), "y": torch.tensor([y for _, y in samples])}


def seed_worker(worker_id):
    torch.manual_seed(worker_id)


if __name__ == "__main__":
    torch.manual_seed(9)
    base = TensorDataset(torch.randn(30, 2), torch.randn(30))
    ragged = [(torch.ones(n % 4 + 1), float(n)) for n in range(12)]
    loaders = {
        "workers": DataLoader(base, 10, num_workers=2, worker_init_fn=seed_worker, persistent_workers=True),
        "weighted": DataLoader(base, 10, sampler=WeightedRandomSampler(torch.arange(30.0), 20)),
        "batches": DataLoader(base, batch_sampler=BatchSampler(RandomSampler(base), 8, drop_last=False)),
        "collate": DataLoader(ragged, 4, collate_fn=pad),
        "subset": DataLoader(ConcatDataset([Subset(base, range(5)), base]), 7, shuffle=True),
    }
    model = torch.nn.Linear(2, 1)
    opt = torch.optim.SGD(model.parameters(), 0.01)

    def step(x, y):
        opt.zero_grad()
        loss = ((model(x)[:, 0] - y) ** 2).mean()
        loss.backward()
        opt.step()
        return loss.item()

    for name, loader in loaders.items():
        for epoch in range(2):
            print(name, [step(*(b.values() if isinstance(b, dict) else b)) for b in loader])
    stream = iter(DataLoader(Stream(), 8, num_workers=1))
    print("stream", [step(x, y.float()) for x, y in itertools.islice(stream, 3)], next(stream)[0][0].tolist())
    del stream
    print(model.weight.tolist(), torch.rand(1).item())
