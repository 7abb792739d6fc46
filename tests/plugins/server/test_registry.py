"""Registered models, versions and logged models over the wire."""

from __future__ import annotations

import pytest


@pytest.fixture
def run_id(server):
    return server.run()


@pytest.fixture
def name(server, request):
    name = f"model {request.node.name}"
    server.call("POST", "registered-models/create", {"name": name, "tags": [{"key": "a", "value": "b"}]})
    return name


def version(server, name, run_id, **more):
    asked = {"name": name, "source": f"runs:/{run_id}/model", "run_id": run_id, **more}
    return server.call("POST", "model-versions/create", asked)["model_version"]


def test_a_version_is_read_back_and_its_number_is_a_text(server, name, run_id):
    made = version(server, name, run_id, description="d", tags=[{"key": "k", "value": "v"}])
    assert (made["version"], made["status"], made["current_stage"]) == ("1", "READY", "None")
    read = server.call("GET", f"model-versions/get?name={name.replace(' ', '+')}&version=1")["model_version"]
    assert read == made
    assert version(server, name, run_id)["version"] == "2"
    server.call("DELETE", "model-versions/delete", {"name": name, "version": "2"})
    assert version(server, name, run_id)["version"] == "3"
    server.call("DELETE", f"model-versions/delete?name={name.replace(' ', '+')}&version=3")


def test_a_description_that_is_not_given_is_cleared(server, name, run_id):
    version(server, name, run_id, description="d")
    body = {"name": name, "version": 1}
    assert "description" not in server.call("PATCH", "model-versions/update", body)["model_version"]
    described = server.call("PATCH", "registered-models/update", {"name": name, "description": "x"})["registered_model"]
    assert described["description"] == "x"
    assert "description" not in server.call("PATCH", "registered-models/update", {"name": name})["registered_model"]


def test_aliases_and_stages_move(server, name, run_id):
    for _ in range(2):
        version(server, name, run_id)
    alias = f"registered-models/alias?name={name.replace(' ', '+')}&alias="
    server.call("POST", "registered-models/alias", {"name": name, "alias": "champion", "version": "1"})
    assert server.call("GET", alias + "champion")["model_version"]["aliases"] == ["champion"]
    assert server.call("GET", alias + "latest")["model_version"]["version"] == "2"
    assert server.refused("GET", alias + "nobody") == (400, "INVALID_PARAMETER_VALUE")
    for number in ("1", "2"):
        body = {"name": name, "version": number, "stage": "production", "archive_existing_versions": True}
        server.call("POST", "model-versions/transition-stage", body)
    for method, path, body in (
        ("POST", "registered-models/get-latest-versions", {"name": name}),
        (
            "GET",
            f"registered-models/get-latest-versions?name={name.replace(' ', '+')}&stages=archived&stages=Production",
            None,
        ),
    ):
        found = {v["current_stage"]: v["version"] for v in server.call(method, path, body)["model_versions"]}
        assert found == {"Archived": "1", "Production": "2"}
    model = server.call("GET", f"registered-models/get?name={name.replace(' ', '+')}")["registered_model"]
    assert model["aliases"] == [{"alias": "champion", "version": "1"}]
    for _ in range(2):
        server.call("DELETE", "registered-models/alias", {"name": name, "alias": "champion"})


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "registered-models/create", {"name": "a/b"}, 400),
        ("POST", "registered-models/create", {}, 400),
        ("GET", "registered-models/get?name=nope", None, 404),
        ("POST", "registered-models/rename", {"name": "nope", "new_name": "x"}, 404),
        ("DELETE", "registered-models/delete", {"name": "nope"}, 404),
        ("GET", "model-versions/get?name=nope&version=1", None, 404),
        ("GET", "model-versions/get?name=nope&version=x", None, 400),
        ("POST", "model-versions/create", {"name": "nope", "source": "s3://b/x"}, 404),
        ("GET", "registered-models/search?max_results=1001", None, 400),
        ("GET", "model-versions/search?max_results=200001", None, 400),
        ("GET", "model-versions/search?filter=current_stage+%3D+'x'", None, 400),
        ("POST", "registered-models/get-latest-versions", {"name": "nope", "stages": ["Nowhere"]}, 400),
    ],
)
def test_what_cannot_be_is_refused(server, method, path, body, code):
    assert server.refused(method, path, body)[0] == code


def test_pages_of_models_are_the_whole(server):
    names = [f"page {i}" for i in range(5)]
    for each in names:
        server.call("POST", "registered-models/create", {"name": each})
    found, token = [], ""
    while token is not None:
        path = f"registered-models/search?max_results=2&filter=name+LIKE+'page+%25'&page_token={token}"
        page = server.call("GET", path)
        found += [each["name"] for each in page["registered_models"]]
        token = page.get("next_page_token")
    assert found == names


def test_a_logged_model_lives_as_mlflow_says(server, run_id):
    experiment_id = server.call("GET", f"runs/get?run_id={run_id}")["run"]["info"]["experiment_id"]
    asked = {
        "experiment_id": experiment_id,
        "name": "m",
        "source_run_id": run_id,
        "params": [{"key": "depth", "value": "3"}],
        "tags": [{"key": "t", "value": "1"}],
    }
    info = server.call("POST", "logged-models", asked)["model"]["info"]
    assert info["status"] == "LOGGED_MODEL_PENDING"
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment_id}/models/{info['model_id']}/artifacts"
    one = f"logged-models/{info['model_id']}"
    point = {"key": "acc", "value": 0.5, "timestamp": 3, "step": 2, "model_id": info["model_id"]}
    server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": [point]})
    server.call("POST", f"{one}/params", {"params": [{"key": "b", "value": "c"}]})
    server.call("PATCH", f"{one}/tags", {"tags": [{"key": "a/b", "value": "c"}]})
    server.call("DELETE", f"{one}/tags/t")
    server.call("PATCH", one, {"status": 2})
    found = server.call("GET", one)["model"]
    assert found["info"]["status"] == "LOGGED_MODEL_READY"
    assert found["info"]["tags"] == [{"key": "a/b", "value": "c"}]
    assert {each["key"]: each["value"] for each in found["data"]["params"]} == {"depth": "3", "b": "c"}
    assert found["data"]["metrics"] == [{**point, "run_id": run_id}]
    for key in ("a/b", "a%2Fb"):
        server.call("PATCH", f"{one}/tags", {"tags": [{"key": "a/b", "value": "c"}]})
        server.call("DELETE", f"{one}/tags/{key}")
    search = {"experiment_ids": [experiment_id], "filter": "metrics.acc > 0.4 AND params.depth = '3'"}
    (again,) = server.call("POST", "logged-models/search", search)["models"]
    assert again["info"]["model_id"] == info["model_id"]
    key = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    server.raw("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{key}/MLmodel", b"x: 1")
    (file,) = server.call("GET", f"{one}/artifacts/directories")["files"]
    assert file == {"path": "MLmodel", "is_dir": False, "file_size": 4}
    sent = server.raw("GET", f"/ajax-api/2.0/mlflow/{one}/artifacts/files?artifact_file_path=MLmodel")
    assert sent[::2] == (200, b"x: 1")
    server.call("POST", "runs/outputs", {"run_id": run_id, "models": [{"model_id": info["model_id"], "step": 2}]})
    server.call("POST", "runs/log-inputs", {"run_id": run_id, "models": [{"model_id": info["model_id"]}]})
    read = server.call("GET", f"runs/get?run_id={run_id}")["run"]
    assert read["outputs"] == {"model_outputs": [{"model_id": info["model_id"], "step": 2}]}
    assert read["inputs"] == {"model_inputs": [{"model_id": info["model_id"]}]}
    server.call("DELETE", one)
    assert server.refused("GET", one)[0] == 404
    assert server.call("GET", f"{one}?allow_deleted=true")["model"]["info"]["model_id"] == info["model_id"]
    assert server.refused("POST", "logged-models", {"experiment_id": experiment_id, "name": "a/b"})[0] == 400
