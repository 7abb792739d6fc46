"""A search over hyperparameters: nested runs, the best of them found again, the worst deleted."""

from __future__ import annotations

from typing import Any

m: Any = globals()["m"]  # mlflow or steno

m.set_experiment("search")
with m.start_run(run_name="parent") as parent:
    m.log_param("kind", "grid")
    for depth in (1, 2, 3):
        with m.start_run(run_name=f"depth {depth}", nested=True) as child:
            m.log_params({"depth": depth, "parent": parent.info.run_name})
            for fold in range(3):
                m.log_metric("score", depth / 3 - fold / 10, step=fold)
            assert m.active_run().info.run_id == child.info.run_id
    best = m.search_runs(order_by=["metrics.score DESC"], max_results=1, output_format="list")[0]
    m.log_params({f"best_{key}": value for key, value in best.data.params.items()})
    m.log_metric("best_score", best.data.metrics["score"])

assert m.last_active_run().info.run_id == parent.info.run_id
assert m.get_parent_run(best.info.run_id).info.run_id == parent.info.run_id
children = m.search_runs(filter_string=f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'", output_format="list")
assert len(children) == 3
table = m.search_runs(filter_string="metrics.score > 0.2")
assert {"metrics.score", "params.depth", "run_id"} <= set(table.columns)
m.delete_run(next(run.info.run_id for run in children if run.data.params["depth"] == "1"))
assert len(m.search_runs(output_format="list")) == 3
