"""A loop over epochs: params, metrics per step, tags, texts, an early stop by exception."""

from __future__ import annotations

import math
from typing import Any

m: Any = globals()["m"]  # mlflow or steno

m.set_experiment("training loop")
m.set_experiment_tags({"team": "vision", "quarter": 3})

with m.start_run(run_name="first", tags={"release": "1.2", "seed": 7}, description="A **first** try") as run:
    m.log_params({"lr": 0.1, "layers": [64, 32], "dropout": None, "schedule": {"kind": "cosine"}, "amp": True})
    m.log_param("optimizer", "adam")
    for epoch in range(20):
        m.log_metric("loss", 1 / (epoch + 1), step=epoch)
        m.log_metrics({"val/loss": 1.5 / (epoch + 1), "val/acc": epoch / 20}, step=epoch)
    m.log_metric("loss", 9.0, step=3, timestamp=1)
    m.log_metric("nan", math.nan)
    m.set_tag("stage", "done")
    m.set_tag("stage", "checked")
    m.set_tag("temporary", 1)
    m.delete_tag("temporary")
    m.log_text("all went well", "notes/summary.txt")
    m.log_dict({"a": [1, 2]}, "config.json")

try:
    with m.start_run(run_name="failed"):
        m.log_metric("loss", 1)
        raise ValueError("diverged")
except ValueError:
    pass

with m.start_run(run_id=run.info.run_id):
    m.log_metric("test_acc", 0.9)
    try:
        m.log_param("optimizer", "sgd")
    except Exception:
        m.set_tag("conflict", "refused")

m.log_metric("outside", 2.5, step=2)
m.set_tag("mlflow.runName", "without with")
m.end_run("KILLED")
