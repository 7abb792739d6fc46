"""Everything by the client and by id: batches, history, status, tags, experiments."""

from __future__ import annotations

from typing import Any

m: Any = globals()["m"]  # mlflow or steno
entities: Any = __import__("mlflow.entities", fromlist=["Metric"]) if m.__name__ == "mlflow" else m.records

client = m.tracking.MlflowClient()
experiment_id = client.create_experiment("by client", tags={"a": "1"})
client.set_experiment_tag(experiment_id, "b", 2)
run = client.create_run(experiment_id, start_time=1000, tags={"t": "1"}, run_name="batch")
run_id = run.info.run_id
client.log_batch(
    run_id,
    [entities.Metric("m", step / 2, 1000 + step, step) for step in range(1500)],
    [entities.Param(f"p{number}", str(number)) for number in range(120)],
    [entities.RunTag(f"tag{number}", "x") for number in range(120)],
)
client.log_metric(run_id, "late", 3, timestamp=5, step=-2)
client.log_param(run_id, "list", [1, "a"])
client.set_tag(run_id, "tag0", "y")
client.delete_tag(run_id, "tag1")
client.log_text(run_id, "text", "deep/er/file.txt")
client.set_terminated(run_id, "FAILED", end_time=2000)
client.update_run(run_id, name="renamed")

other = client.create_run(experiment_id, run_name="finished")
client.set_terminated(other.info.run_id)
open_run = client.create_run(experiment_id, run_name="still running", tags={"mlflow.user": "ada"})

history = client.get_metric_history(run_id, "m")
assert [metric.step for metric in history] == list(range(1500))
page = client.search_runs([experiment_id], "tags.t = '1'", max_results=1)
assert [found.info.run_name for found in page] == ["renamed"]
assert client.get_experiment_by_name("nobody") is None
doomed = client.create_experiment("doomed")
client.create_run(doomed, run_name="doomed too")
client.rename_experiment(doomed, "doomed, renamed")
client.delete_experiment(doomed)
