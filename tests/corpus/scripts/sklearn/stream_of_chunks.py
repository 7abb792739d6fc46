# runs: 1
# metrics: accuracy_score_X
"""Learns from a stream, chunk by chunk, testing on each before training on it."""

import itertools

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score


def stream(seed):
    """Chunks without end, whose boundary slowly turns."""
    rng = np.random.default_rng(seed)
    for turn in itertools.count():
        X = rng.normal(size=(50, 2))
        angle = turn * 0.05
        yield X, (X @ [np.cos(angle), np.sin(angle)] > 0).astype(int)


chunks = stream(12)
model = SGDClassifier(loss="log_loss", random_state=12)
for number, (X, y) in enumerate(itertools.islice(chunks, 12)):
    if number:
        accuracy = accuracy_score(y, model.predict(X))
        print(f"\rchunk {number:2d} accuracy {accuracy:.4f}", end="" if number < 11 else "\n")
    model.partial_fit(X, y, classes=[0, 1])
print("next chunk is", next(chunks)[0][0].tolist())
print(model.coef_.tolist(), model.t_)
