"""Runs over the wire: created, recorded, searched, read back, with MLflow's codes for what is wrong."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

NO_RUN = "0" * 32


def got(server, run_id):
    return server.call("GET", f"runs/get?run_id={run_id}")["run"]


def test_what_a_run_was_created_with_is_what_is_read_back(server):
    wanted = {
        "experiment_id": server.experiment(),
        "user_id": "ann",
        "run_name": "one",
        "start_time": 5,
        "tags": [{"key": "team", "value": "a"}],
    }
    made = server.call("POST", "runs/create", wanted)["run"]
    read = got(server, made["info"]["run_id"])
    assert made["info"] == read["info"]
    assert read["data"] == {"tags": [{"key": "mlflow.runName", "value": "one"}, {"key": "team", "value": "a"}]}
    assert (read["inputs"], read["outputs"], made["inputs"]) == ({}, {}, {})
    assert read["info"]["run_uuid"] == read["info"]["run_id"]
    assert "end_time" not in read["info"]


def test_the_second_run_of_an_experiment_is_answered_with_its_own_place(server):
    experiment_id = server.experiment()
    for _ in range(3):
        made = server.call("POST", "runs/create", {"experiment_id": experiment_id})["run"]["info"]
        assert made["artifact_uri"] == f"mlflow-artifacts:/{experiment_id}/{made['run_id']}/artifacts"
        assert got(server, made["run_id"])["info"] == made


def test_a_batch_is_read_back(server):
    run_id = server.run()
    metrics = [
        {"key": "loss", "value": v, "timestamp": 10 + i, "step": i} for i, v in enumerate([1.5, "NaN", 2, "0.5"])
    ]
    odd = [{"key": "up", "value": "Infinity", "timestamp": 1}, {"key": "down", "value": "-Infinity", "timestamp": "1"}]
    params = [{"key": "lr", "value": "0.1"}, {"key": "empty"}]
    tags = [{"key": "mlflow.runName", "value": "renamed"}]
    server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": metrics + odd, "params": params, "tags": tags})
    read = got(server, run_id)
    found = {each["key"]: each for each in read["data"]["metrics"]}
    assert found["loss"] == {"key": "loss", "value": 0.5, "timestamp": 13, "step": 3}
    assert (found["up"]["value"], found["down"]["value"]) == ("Infinity", "-Infinity")
    assert read["data"]["params"] == [{"key": "empty", "value": ""}, {"key": "lr", "value": "0.1"}]
    assert read["info"]["run_name"] == "renamed"
    history = server.call("GET", f"metrics/get-history?run_id={run_id}&metric_key=loss")["metrics"]
    assert [each["value"] for each in history] == [1.5, "NaN", 2.0, 0.5]


def test_both_names_of_a_field_and_both_prefixes_will_do(server):
    run_id = server.run()
    for number, ask in enumerate(({"run_uuid": run_id}, {"runId": run_id}, {"run_id": run_id, "run_uuid": run_id})):
        server.call("POST", "/ajax-api/2.0/mlflow/runs/set-tag", {**ask, "key": f"t{number}", "value": "x"})
    assert len(got(server, run_id)["data"]["tags"]) == 4
    twice = {"runId": run_id, "run_id": run_id, "key": "a", "value": "b"}
    assert server.refused("POST", "runs/set-tag", twice) == (400, "INVALID_PARAMETER_VALUE")


def test_an_update_changes_what_it_names(server):
    run_id = server.run(run_name="a", start_time=1)
    info = server.call("POST", "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": "7"})["run_info"]
    assert (info["status"], info["end_time"], info["run_name"]) == ("FINISHED", 7, "a")
    info = server.call("POST", "runs/update", {"run_id": run_id, "status": 1, "run_name": "b"})["run_info"]
    assert (info["status"], info["end_time"], info["run_name"]) == ("RUNNING", 7, "b")
    info = server.call("POST", "runs/update", {"run_id": run_id, "status": "WHATEVER"})["run_info"]
    assert info["status"] == "RUNNING"
    assert {"key": "mlflow.runName", "value": "b"} in got(server, run_id)["data"]["tags"]


def test_pages_of_a_search_are_the_whole_in_order(server):
    experiment_id = server.experiment()
    ids = [server.run(experiment_id=experiment_id, start_time=i) for i in range(7)]
    ask = {"experiment_ids": [experiment_id], "max_results": 3, "order_by": ["start_time ASC"]}
    found, token = [], None
    while True:
        page = server.call("POST", "runs/search", {**ask, "page_token": token})
        found += [run["info"]["run_id"] for run in page["runs"]]
        token = page.get("next_page_token")
        if not token:
            break
    assert found == ids
    assert server.call("POST", "runs/search", {"experiment_ids": []}) == {}


def test_pages_of_a_history_are_the_whole_by_time(server):
    run_id = server.run()
    for start in (500, 0):  # the later points first
        points = [{"key": "m", "value": i, "timestamp": i, "step": -i} for i in range(start, start + 500)]
        server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
    path, token, values = f"metrics/get-history?run_id={run_id}&metric_key=m&max_results=300", "", []
    while token is not None:
        page = server.call("GET", f"{path}&page_token={token}")
        values += [each["value"] for each in page["metrics"]]
        token = page.get("next_page_token")
    assert values == list(range(1000))
    assert server.call("GET", f"metrics/get-history?run_id={NO_RUN}&metric_key=m") == {}


def test_histories_of_several_runs_keep_the_ends_of_a_range(server):
    runs = sorted(server.run() for _ in range(2))
    for run_id in runs:
        points = [{"key": "m", "value": i, "timestamp": i, "step": i} for i in range(1000)]
        server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
    bulk = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={runs[1]}&run_id={runs[0]}&metric_key=m"
    found = server.call("GET", bulk)["metrics"]
    assert [(each["run_id"], each["step"]) for each in found] == [(run, i) for run in runs for i in range(1000)]
    interval = f"metrics/get-history-bulk-interval?run_ids={runs[0]}&run_ids={runs[1]}&metric_key=m"
    found = server.call("GET", f"{interval}&start_step=100&end_step=899&max_results=10")["metrics"]
    assert len(found) == 20
    steps = sorted({each["step"] for each in found})
    assert (steps[0], steps[-1], len(steps)) == (100, 899, 10)
    assert max(b - a for a, b in itertools.pairwise(steps)) < 100


def test_datasets_come_back_and_the_first_context_stays(server):
    experiment_id = server.experiment()
    run_id = server.run(experiment_id=experiment_id)
    dataset = {"name": "iris", "digest": "abc", "source_type": "local", "source": "x"}
    for context in ("training", "eval"):
        used = [{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": context}]}]
        server.call("POST", "runs/log-inputs", {"run_id": run_id, "datasets": used})
    (found,) = got(server, run_id)["inputs"]["dataset_inputs"]
    assert found == {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}
    summaries = server.call(
        "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment_id]}
    )
    assert summaries["dataset_summaries"] == [
        {"experiment_id": experiment_id, "name": "iris", "digest": "abc", "context": "training"}
    ]


def test_a_model_of_an_old_client_is_added_to_the_tag(server):
    run_id = server.run()
    for path in ("a", "b"):
        model = {"artifact_path": path, "flavors": {}, "utc_time_created": "x", "run_id": run_id}
        server.call("POST", "runs/log-model", {"run_id": run_id, "model_json": json.dumps(model)})
    tags = {each["key"]: each["value"] for each in got(server, run_id)["data"]["tags"]}
    assert [each["artifact_path"] for each in json.loads(tags["mlflow.log-model.history"])] == ["a", "b"]
    refused = server.refused("POST", "runs/log-model", {"run_id": run_id, "model_json": "[]"})
    assert refused == (400, "INVALID_PARAMETER_VALUE")


POINT = {"key": "m", "value": 1.0, "timestamp": 1, "step": 0}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("runs/log-metric", {**POINT, "key": "a//b"}),
        ("runs/log-metric", {**POINT, "key": ""}),
        ("runs/log-metric", {**POINT, "key": "k" * 251}),
        ("runs/log-metric", {**POINT, "value": None}),
        ("runs/log-metric", {**POINT, "value": "much"}),
        ("runs/log-metric", {**POINT, "value": True}),
        ("runs/log-metric", {**POINT, "timestamp": -1}),
        ("runs/log-metric", {**POINT, "timestamp": 2**63}),
        ("runs/log-metric", {**POINT, "step": 2**63}),
        ("runs/log-metric", {**POINT, "step": 1.5}),
        ("runs/log-metric", {**POINT, "model_id": "m-" + "0" * 32}),
        ("runs/log-batch", {"metrics": [POINT] * 1001}),
        ("runs/log-batch", {"params": [{"key": f"p{i}", "value": ""} for i in range(101)]}),
        ("runs/log-batch", {"tags": [{"key": f"t{i}", "value": ""} for i in range(101)]}),
        ("runs/log-batch", {"metrics": [POINT] * 950, "tags": [{"key": f"t{i}"} for i in range(51)]}),
        ("runs/log-batch", {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]}),
        ("runs/log-batch", {"metrics": [{"key": "m", "value": 1}]}),
        ("runs/log-batch", {"metrics": "m"}),
        ("runs/log-parameter", {"key": "a?b", "value": "x"}),
        ("runs/update", {"end_time": -5}),
        (
            "runs/log-inputs",
            {"datasets": [{"dataset": {"name": "n" * 501, "digest": "", "source_type": "", "source": ""}}]},
        ),
    ],
)
def test_what_may_not_be_recorded_is_refused_and_leaves_nothing(server, path, more):
    run_id = server.run()
    before = got(server, run_id)
    assert server.refused("POST", path, {"run_id": run_id, **more}) == (400, "INVALID_PARAMETER_VALUE")
    assert got(server, run_id) == before


def test_unknown_and_deleted_runs_are_told_apart(server):
    run_id, body = server.run(), {"key": "k", "value": "v"}
    assert server.refused("POST", "runs/set-tag", {"run_id": NO_RUN, **body}) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert server.refused("POST", "runs/set-tag", {"run_id": "../x", **body}) == (400, "INVALID_PARAMETER_VALUE")
    assert server.refused("POST", "runs/set-tag", body) == (400, "INVALID_PARAMETER_VALUE")
    for _ in range(2):
        server.call("POST", "runs/delete", {"run_id": run_id})
    assert server.refused("POST", "runs/set-tag", {"run_id": run_id, **body}) == (400, "INVALID_PARAMETER_VALUE")
    assert got(server, run_id)["info"]["lifecycle_stage"] == "deleted"
    server.call("POST", "runs/restore", {"run_id": run_id})
    server.call("POST", "runs/set-tag", {"run_id": run_id, **body})
    server.call("POST", "runs/delete-tag", {"run_id": run_id, "key": "k"})
    gone = server.refused("POST", "runs/delete-tag", {"run_id": run_id, "key": "k"})
    assert gone == (404, "RESOURCE_DOES_NOT_EXIST")


def test_what_many_clients_record_at_once_is_there_once(server):
    run_id = server.run()

    def record(client: int) -> None:
        mine = type(server)(server.port, server.folder)
        for number in range(20):
            point = {"key": "m", "value": client, "timestamp": number, "step": 100 * client + number}
            mine.call("POST", "runs/log-metric", {"run_id": run_id, **point})
        mine.close()

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(record, range(8)))
    found = server.call("GET", f"metrics/get-history?run_id={run_id}&metric_key=m")["metrics"]
    assert sorted(each["step"] for each in found) == [100 * client + n for client in range(8) for n in range(20)]


def test_a_run_has_one_name(server):
    tags = [{"key": "mlflow.runName", "value": "a"}]
    asked = {"experiment_id": server.experiment(), "tags": tags}
    assert server.refused("POST", "runs/create", {**asked, "run_name": "b"}) == (400, "INVALID_PARAMETER_VALUE")
    for more in ({}, {"run_name": "a"}):
        assert server.call("POST", "runs/create", {**asked, **more})["run"]["info"]["run_name"] == "a"
    assert server.call("POST", "runs/create", {"experiment_id": asked["experiment_id"]})["run"]["info"]["run_name"]


def test_a_param_is_written_once(server):
    run_id = server.run()
    for _ in range(2):
        server.call("POST", "runs/log-parameter", {"run_id": run_id, "key": "p", "value": "1"})
    changed = {"run_id": run_id, "key": "p", "value": "2"}
    assert server.refused("POST", "runs/log-parameter", changed) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "body",
    [
        {"filter": "nonsense = 1"},
        {"filter": "metrics.m = 'x'"},
        {"order_by": ["metrics.a, metrics.b"]},
        {"max_results": 50_001},
        {"max_results": 0},
        {"page_token": "!!"},
        {"page_token": "eyJvZmZzZXQiOiAtMX0="},
    ],
)
def test_a_search_that_cannot_be_is_refused(server, body):
    ask = {"experiment_ids": [server.experiment()], **body}
    assert server.refused("POST", "runs/search", ask) == (400, "INVALID_PARAMETER_VALUE")


def test_experiments_live_as_mlflow_says(server):
    id_ = server.experiment(tags=[{"key": "a", "value": "b"}])
    name = server.call("GET", f"experiments/get?experiment_id={id_}")["experiment"]["name"]
    assert server.call("GET", f"experiments/get-by-name?experiment_name={name}")["experiment"]["experiment_id"] == id_
    assert server.refused("POST", "experiments/create", {"name": name}) == (400, "RESOURCE_ALREADY_EXISTS")
    server.call("POST", "experiments/update", {"experiment_id": id_, "new_name": f"{name}-new"})
    server.call("POST", "experiments/set-experiment-tag", {"experiment_id": id_, "key": "c", "value": "d"})
    server.call("POST", "experiments/delete-experiment-tag", {"experiment_id": id_, "key": "a"})
    body = {"max_results": 5, "filter": f"name = '{name}-new'"}
    (found,) = server.call("POST", "experiments/search", body)["experiments"]
    assert found["tags"] == [{"key": "c", "value": "d"}]
    assert server.refused("POST", "experiments/search", {}) == (400, "INVALID_PARAMETER_VALUE")
    run_id = server.run(experiment_id=id_)
    server.call("POST", "experiments/delete", {"experiment_id": id_})
    assert server.refused("POST", "experiments/delete", {"experiment_id": id_})[0] == 404
    assert server.refused("POST", "runs/create", {"experiment_id": id_}) == (400, "INVALID_PARAMETER_VALUE")
    assert got(server, run_id)["info"]["lifecycle_stage"] == "deleted"
    server.call("POST", "experiments/restore", {"experiment_id": id_})
    assert got(server, run_id)["info"]["lifecycle_stage"] == "active"
    assert server.refused("POST", "runs/create", {"experiment_id": "98765"})[0] == 404
    assert server.refused("GET", "experiments/get?experiment_id=98765")[0] == 404


@pytest.mark.parametrize("location", ["runs:/a/b", "s3://b/a#f", "s3://b/../c", "s3://b/%2e%2e/c", "x" * 2049])
def test_an_artifact_location_that_could_mislead_is_refused(server, location):
    refused = server.refused(
        "POST", "experiments/create", {"name": f"at {location[:9]}", "artifact_location": location}
    )
    assert refused == (400, "INVALID_PARAMETER_VALUE")
