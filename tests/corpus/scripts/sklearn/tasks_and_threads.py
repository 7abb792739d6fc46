# runs: 6
# metrics: training_r2_score
"""Trains in a pool of threads, in tasks, and in a thread of a task."""

import asyncio
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet

X, y = load_diabetes(return_X_y=True)


def train(alpha):
    return alpha, ElasticNet(alpha=alpha).fit(X, y).coef_.round(9).tolist()


with ThreadPoolExecutor(2, thread_name_prefix="fold") as pool:
    for future in sorted(as_completed([pool.submit(train, a) for a in (0.1, 0.2, 0.3)]), key=lambda f: f.result()):
        print(*future.result())


async def main():
    print("task", (await asyncio.create_task(coroutine(0.4)))[1][:2])
    both = await asyncio.gather(asyncio.to_thread(train, 0.5), asyncio.to_thread(train, 0.6))
    print([np.sum(c) for _, c in both])


async def coroutine(alpha):
    await asyncio.sleep(0)
    return train(alpha)


asyncio.run(main())
