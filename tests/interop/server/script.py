"""Drives a tracking server with MLflow's own client and prints what it saw, ids and times left out; run by the peer."""

from __future__ import annotations

import json
import math
import re
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
known: dict[str, str] = {}
seen: list[object] = []


def plain(value):
    """A value with ids replaced by names."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if value != value else "largest" if value > 0 else "smallest"
    if isinstance(value, float) and abs(value) > 1.7e308:
        return "largest" if value > 0 else "smallest"
    if isinstance(value, str):
        for id_, name in known.items():
            value = value.replace(id_, name)
    return value


def saw(label, value):
    seen.append([label, plain(value)])


def refused(label, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
        saw(label, "was done")
    except MlflowException as error:
        saw(label, error.error_code)


def described(run):
    info = run.info
    return {
        "name": info.run_name,
        "status": info.status,
        "stage": info.lifecycle_stage,
        "user": info.user_id,
        "start": info.start_time,
        "end": info.end_time,
        "metrics": run.data.metrics,
        "params": run.data.params,
        "tags": run.data.tags,
        "inputs": [[i.dataset.to_dictionary(), [[t.key, t.value] for t in i.tags]] for i in run.inputs.dataset_inputs],
        "artifacts": re.sub(r"mlflow-artifacts:/[^/]*", "mlflow-artifacts:/x", info.artifact_uri),
    }


def experiments():
    id_ = client.create_experiment("first", tags={"team": "a"})
    known[id_] = "first-id" if len(id_) > 3 else id_
    found = client.get_experiment(id_)
    saw("experiment", [found.name, found.lifecycle_stage, found.tags])
    saw("by name", client.get_experiment_by_name("first").name)
    saw("none by name", client.get_experiment_by_name("nope"))
    client.set_experiment_tag(id_, "k", "v")
    client.rename_experiment(id_, "renamed")
    saw("renamed", [client.get_experiment(id_).name, client.get_experiment(id_).tags])
    refused("taken name", client.create_experiment, "renamed")
    refused("empty name", client.create_experiment, "")
    refused("long name", client.create_experiment, "x" * 501)
    refused("no experiment", client.get_experiment, "987654")
    other = client.create_experiment("other")
    client.delete_experiment(other)
    refused("deleted again", client.delete_experiment, other)
    refused("tag of deleted", client.set_experiment_tag, other, "a", "b")
    refused("run in deleted", client.create_run, other)
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        saw("view", sorted(e.name for e in client.search_experiments(view_type=view)))
    client.restore_experiment(other)
    saw("search", [e.name for e in client.search_experiments(filter_string="name LIKE 'o%'")])
    page = client.search_experiments(max_results=2, order_by=["name ASC"])
    saw("page", [e.name for e in page])
    saw(
        "next page",
        [e.name for e in client.search_experiments(max_results=2, order_by=["name ASC"], page_token=page.token)],
    )
    return id_


def runs(experiment_id):
    run = client.create_run(experiment_id, start_time=1000, tags={"mlflow.user": "ann", "t": "1"}, run_name="one")
    run_id = run.info.run_id
    known[run_id] = "run-one"
    saw("created", described(run))
    client.log_param(run_id, "lr", 0.1)
    client.log_param(run_id, "empty", "")
    client.log_metric(run_id, "loss", 0.5, timestamp=5, step=3)
    client.log_metric(run_id, "loss", 0.75, timestamp=6, step=1)
    client.log_metric(run_id, "odd", float("nan"), timestamp=7)
    client.log_metric(run_id, "huge", float("inf"), timestamp=7)
    client.log_metric(run_id, "huge2", float("-inf"), timestamp=7)
    client.set_tag(run_id, "note", "ü ≤ 日本")
    client.log_batch(
        run_id,
        metrics=[Metric(f"m{i % 3}", i / 2, 10 + i, i) for i in range(30)],
        params=[Param(f"p{i}", str(i)) for i in range(5)],
        tags=[RunTag("mlflow.runName", "renamed by tag")],
    )
    saw("logged", described(client.get_run(run_id)))
    saw("history", [[m.step, m.timestamp, m.value] for m in client.get_metric_history(run_id, "loss")])
    saw("history of nothing", client.get_metric_history(run_id, "nothing"))
    client.delete_tag(run_id, "t")
    refused("tag gone", client.delete_tag, run_id, "t")
    refused("param changed", client.log_param, run_id, "lr", 0.2)
    refused("param again", client.log_param, run_id, "lr", 0.1)
    refused("bad key", client.log_metric, run_id, "a//b", 1.0)
    refused("bad key 2", client.log_param, run_id, "a?b", 1.0)
    refused("long key", client.set_tag, run_id, "k" * 251, "x")
    refused("no run", client.get_run, "0" * 32)
    refused("no run id", client.get_run, "../x")
    client.update_run(run_id, status="SCHEDULED", name="two")
    saw("updated", described(client.get_run(run_id)))
    client.set_terminated(run_id, "FINISHED", end_time=9000)
    saw("ended", described(client.get_run(run_id)))
    client.delete_run(run_id)
    client.delete_run(run_id)
    refused("write to deleted", client.log_metric, run_id, "x", 1.0)
    refused("tag on deleted", client.set_tag, run_id, "x", "1")
    client.restore_run(run_id)
    saw("restored", client.get_run(run_id).info.lifecycle_stage)
    return run_id


def inputs(experiment_id):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    run_id = client.create_run(experiment_id, run_name="with data", start_time=1).info.run_id
    data = Dataset("iris", "abc", "local", '{"uri": "x"}', schema="{}", profile=None)
    client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "eval")])])
    saw("inputs", described(client.get_run(run_id))["inputs"])
    saw("by dataset", [r.info.run_name for r in client.search_runs([experiment_id], "dataset.name = 'iris'")])


def searches(experiment_id):
    for i in range(7):
        run_id = client.create_run(experiment_id, start_time=2000 + i, run_name=f"s{i}").info.run_id
        client.log_metric(run_id, "acc", i / 10, timestamp=1)
        client.log_param(run_id, "kind", "odd" if i % 2 else "even")
    for text, order in (
        ("metrics.acc > 0.2 and params.kind = 'odd'", ["metrics.acc DESC"]),
        ("attributes.run_name LIKE 's%'", ["run_name ASC"]),
        ("params.kind != 'odd'", ["start_time ASC"]),
        ("params.kind IS NULL", ["start_time ASC", "run_name ASC"]),
        ("start_time > 2003", ["metrics.`acc` ASC"]),
    ):
        saw(text, [r.info.run_name for r in client.search_runs([experiment_id], text, order_by=order)])
    for text in ("metrics.acc >> 1", "nonsense = 1", "metrics.acc = 'x'", "start_time LIKE 'a'"):
        refused(text, client.search_runs, [experiment_id], text)
    page = client.search_runs([experiment_id], "metrics.acc >= 0", max_results=3, order_by=["metrics.acc ASC"])
    pages = [[r.info.run_name for r in page]]
    while page.token:
        page = client.search_runs(
            [experiment_id], "metrics.acc >= 0", max_results=3, order_by=["metrics.acc ASC"], page_token=page.token
        )
        pages.append([r.info.run_name for r in page])
    saw("pages", pages)
    refused("too many", client.search_runs, [experiment_id], max_results=50_001)
    refused("bad token", client.search_runs, [experiment_id], page_token="!!")


def artifacts(run_id):
    client.log_text(run_id, "hello", "notes/a b.txt")
    client.log_dict(run_id, {"a": 1}, "conf.json")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "big.bin").write_bytes(bytes(range(256)) * 20_000)
        (Path(folder) / "empty").write_bytes(b"")
        client.log_artifacts(run_id, folder, "files")
        saw("list", [[f.path, f.is_dir, f.file_size] for f in client.list_artifacts(run_id)])
        saw("list folder", [[f.path, f.is_dir, f.file_size or 0] for f in client.list_artifacts(run_id, "files")])
        got = client.download_artifacts(run_id, "files", folder)
        saw("came back", (Path(got) / "big.bin").read_bytes() == bytes(range(256)) * 20_000)
        saw("text", mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt"))
        saw("conf", mlflow.artifacts.load_dict(f"runs:/{run_id}/conf.json"))
    refused("no artifact", client.download_artifacts, run_id, "nothing.txt")
    client.log_table(run_id, {"a": [1, 2]}, "table.json")
    saw("table", client.get_run(run_id).data.tags["mlflow.loggedArtifacts"])


def version_of(found):
    return [found.name, str(found.version), found.current_stage, found.description or "", found.tags, found.status]


def registry(run_id):
    uri = client.get_run(run_id).info.artifact_uri
    client.create_registered_model("model", {"a": "b"}, "what it is")
    refused("model twice", client.create_registered_model, "model")
    refused("bad name", client.create_registered_model, "a/b")
    refused("no model", client.get_registered_model, "nope")
    first = client.create_model_version("model", f"runs:/{run_id}/files", run_id, description="d1", tags={"x": "y"})
    second = client.create_model_version("model", f"{uri}/files", run_id)
    saw("versions", [version_of(first), version_of(second)])
    refused("foreign file", client.create_model_version, "model", "/etc", run_id)
    refused("climbing", client.create_model_version, "model", f"{uri}/../../x", run_id)
    client.update_model_version("model", "1", "changed")
    client.set_model_version_tag("model", "1", "k", "v")
    client.delete_model_version_tag("model", "1", "x")
    client.set_registered_model_alias("model", "champion", "1")
    saw("alias", version_of(client.get_model_version_by_alias("model", "champion")))
    refused("no alias", client.get_model_version_by_alias, "model", "nobody")
    refused("alias latest", client.set_registered_model_alias, "model", "latest", "1")
    refused("alias of none", client.set_registered_model_alias, "model", "x", "77")
    client.transition_model_version_stage("model", "1", "Production")
    client.transition_model_version_stage("model", "2", "production", archive_existing_versions=True)
    refused("no stage", client.transition_model_version_stage, "model", "1", "Nowhere")
    saw("latest", sorted(version_of(v) for v in client.get_latest_versions("model")))
    client.set_registered_model_tag("model", "k", "v")
    client.delete_registered_model_tag("model", "a")
    client.update_registered_model("model", "described")
    client.rename_registered_model("model", "renamed")
    found = client.get_registered_model("renamed")
    saw("model", [found.name, found.description, found.tags, {k: str(v) for k, v in found.aliases.items()}])
    saw("search models", [m.name for m in client.search_registered_models("name LIKE 'ren%'")])
    saw("search versions", sorted(str(v.version) for v in client.search_model_versions("name = 'renamed'")))
    saw("by run", sorted(str(v.version) for v in client.search_model_versions(f"run_id = '{run_id}'")))
    saw(
        "files of",
        re.sub(
            r"mlflow-artifacts:/[^/]*", "mlflow-artifacts:/x", client.get_model_version_download_uri("renamed", "2")
        ),
    )
    client.delete_registered_model_alias("renamed", "champion")
    client.delete_model_version("renamed", "2")
    refused("version gone", client.get_model_version, "renamed", "2")
    refused("version is a number", client.get_model_version, "renamed", "x")
    saw("next number", str(client.create_model_version("renamed", f"runs:/{run_id}/files", run_id).version))
    client.delete_registered_model("renamed")
    refused("model gone", client.get_registered_model, "renamed")


def fluent():
    mlflow.set_experiment("fluent")
    with mlflow.start_run(run_name="outer", description="text") as run:
        mlflow.log_params({"a": 1, "b": "x"})
        mlflow.log_metrics({"m": 1.5, "n": 2}, step=4)
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.set_tags({"k": "v"})
    saw("parent", [r.info.run_name for r in mlflow.search_runs(output_format="list", order_by=["run_name ASC"])])
    try:
        with mlflow.start_run(run_name="fails"):
            raise ValueError
    except ValueError:
        pass
    saw("failed", mlflow.last_active_run().info.status)
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("m", 2.5, step=5)
    again = client.get_run(run.info.run_id)
    saw("resumed", [again.info.status, again.data.metrics, again.data.params, again.data.tags["mlflow.note.content"]])


class Doubles(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * each for each in model_input]


def logged_models():
    mlflow.set_experiment("models")
    with mlflow.start_run(run_name="trains") as run:
        mlflow.log_params({"depth": 3})
        mlflow.log_metric("acc", 0.75, step=2)
        info = mlflow.pyfunc.log_model(
            name="model", python_model=Doubles(), pip_requirements=["mlflow"], registered_model_name="doubles", step=2
        )
    known[info.model_id] = "model-id"
    known[run.info.run_id] = "trains-id"
    known[run.info.experiment_id] = "models-id"
    model = mlflow.get_logged_model(info.model_id)
    saw("model", [model.name, model.status, model.params, model.source_run_id, model.model_type])
    saw("its metrics", [[x.key, x.value, x.step, x.model_id, x.run_id] for x in model.metrics])
    saw("outputs", [[o.model_id, o.step] for o in client.get_run(run.info.run_id).outputs.model_outputs])
    saw("version", [str(v.version) for v in client.search_model_versions("name = 'doubles'")])
    saw("predicts", mlflow.pyfunc.load_model(f"models:/{info.model_id}").predict([1, 2]))
    saw("as a version", mlflow.pyfunc.load_model("models:/doubles/1").predict([3]))
    saw("of the run", mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict([4]))
    mlflow.set_logged_model_tags(info.model_id, {"ab": "c"})
    mlflow.delete_logged_model_tag(info.model_id, "ab")
    refused("no tag", mlflow.delete_logged_model_tag, info.model_id, "ab")
    found = mlflow.search_logged_models(
        [run.info.experiment_id], filter_string="metrics.acc > 0.5 AND params.depth = '3'", output_format="list"
    )
    saw("found", [each.name for each in found])
    refused("no model", mlflow.get_logged_model, "m-" + "0" * 32)
    refused("bad name", client.create_logged_model, run.info.experiment_id, name="a/b")
    made = client.create_logged_model(run.info.experiment_id, name="by hand", params={"a": "b"})
    saw("by hand", [made.status, made.params])
    client.finalize_logged_model(made.model_id, "FAILED")
    saw("failed", client.get_logged_model(made.model_id).status)
    client.delete_logged_model(made.model_id)
    refused("deleted", client.get_logged_model, made.model_id)


chosen = experiments()
run_id = runs(chosen)
inputs(chosen)
searches(chosen)
artifacts(run_id)
registry(run_id)
fluent()
logged_models()
Path(sys.argv[2]).write_text(json.dumps(seen))
