# runs: 2
# metrics: loss
"""Two nets trained at once, each in a thread, with a generator of its own."""

import threading

import torch

results = {}


def work(seed):
    g = torch.Generator().manual_seed(seed)
    model = torch.nn.Linear(4, 1)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=g))
    optimizer = torch.optim.ASGD(model.parameters(), lr=0.05)
    for _ in range(30):
        x = torch.randn(10, 4, generator=g)
        loss = ((model(x)[:, 0] - x.sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    results[seed] = loss.item(), model.weight.tolist()


threads = [threading.Thread(target=work, args=(seed,), name=f"training-{seed}") for seed in (1, 2)]
for t in threads:
    t.start()
for t in threads:
    t.join()
for seed in sorted(results):
    print(seed, *results[seed])
print(threading.active_count() >= 1, threading.current_thread().name)
