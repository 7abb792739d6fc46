"""Trainings that autologging records: the mirror holds what the store holds, point for point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import steno
from wandb_reading import mirrored, stored


def data() -> tuple[np.ndarray, np.ndarray]:
    """A small problem of two classes."""
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 5))
    return features, (features.sum(axis=1) > 0).astype(int)


def sklearn() -> None:
    """A training by epochs."""
    pytest.importorskip("sklearn")
    from sklearn.linear_model import SGDClassifier

    SGDClassifier(max_iter=30, tol=None, random_state=0).fit(*data())


def search() -> None:
    """A search: every candidate is a run."""
    pytest.importorskip("sklearn")
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=3).fit(*data())


def xgboost() -> None:
    """A training by rounds, with two series."""
    boosting = pytest.importorskip("xgboost")
    matrix = boosting.DMatrix(*data())
    evals = [(matrix, "train"), (matrix, "again")]
    boosting.train({"nthread": 1}, matrix, 20, evals=evals, verbose_eval=False)


def torch_loop() -> None:
    """A plain loop."""
    torch = pytest.importorskip("torch")
    features, labels = (torch.tensor(each, dtype=torch.float32) for each in data())
    model = torch.nn.Linear(5, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(features)[:, 0], labels).backward()
        optimizer.step()


@pytest.mark.parametrize("train", [sklearn, search, xgboost, torch_loop])
def test_a_training_is_mirrored_point_for_point(train: Any) -> None:
    steno.autolog(silent=True)
    with steno.start_run():
        train()
    assert steno.flush()
    runs = [run.info.run_id for run in steno.search_runs(output_format="list")]
    wanted = {run_id: stored(run_id) for run_id in runs}
    assert sum(len(points) for series in wanted.values() for points in series.values()) > 0
    assert {run_id: mirrored(run_id) for run_id in runs} == wanted
