"""Files over the wire: they come back as they went, and no path, location or source leads out of the root."""

from __future__ import annotations

import json
import os
import sqlite3
from urllib.parse import quote

import pytest
import steno
from steno_server.files import content_type

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
SECRET = b"the secret of this machine"
CLIMBING = [
    "../secret",
    "a/../../secret",
    "..%2fsecret",
    "%2e%2e/secret",
    "%2e%2e%2fsecret",
    "%252e%252e%252fsecret",
    "%25252e%25252e%25252fsecret",
    "..%5csecret",
    "%2e%2e%5csecret",
    "/secret",
    "%2fsecret",
    "//secret",
    "./secret",
    "a/./b",
    "a//b",
    "C:/secret",
    "C:%5csecret",
    "file:///secret",
    "x%00/../secret",
    "a%0ab",
    "..",
    "%2e%2e",
    ".steno-same",
    "a/.steno-x",
    "%2esteno-same/x",
]


def root_of(server):
    return server.folder / "artifacts"


@pytest.fixture
def secret(server):
    """A file beside the artifact root."""
    path = server.folder / "secret"
    path.write_bytes(SECRET)
    return path


def test_a_file_comes_back_as_it_went(server):
    content = os.urandom(300_000)
    for name in ("a/b c.bin", "ü/日本.txt", "plain"):
        path = f"{PROXY}/0/{quote(name)}"
        assert server.raw("PUT", path, content)[0] == 200
        assert server.raw("PUT", path, content[::-1], {"Content-Type": "image/png"})[0] == 200
        assert server.raw("GET", path)[::2] == (200, content[::-1])
    (entry,) = server.call("GET", f"{PROXY}?path=0/a")["files"]
    assert entry == {"path": "b c.bin", "is_dir": False, "file_size": 300_000}
    assert server.call("GET", f"{PROXY}?path=0/a/b%20c.bin") == {}
    assert server.raw("GET", f"{PROXY}/0/a")[0] == 400
    assert server.raw("GET", f"{PROXY}/0/none")[0] == 404
    assert server.raw("PUT", f"{PROXY}/0/a", b"")[0] == 400
    assert server.raw("PUT", f"{PROXY}/0/plain/x", b"")[0] == 400
    for long in ("n" * 256, "ü" * 200, "/".join(["n" * 200] * 11)):
        assert server.raw("PUT", f"{PROXY}/{quote(long)}", b"")[0] == 400
    for _ in range(2):
        assert server.raw("DELETE", f"{PROXY}/0/a")[0] == 200
    assert server.raw("GET", f"{PROXY}/0/a/b%20c.bin")[0] == 404
    assert not [path for path in root_of(server).iterdir() if path.is_file()], "nothing half-sent is left"


def test_files_of_a_run_are_those_of_its_place(server):
    run_id = server.run()
    uri = server.call("GET", f"runs/get?run_id={run_id}")["run"]["info"]["artifact_uri"]
    key = uri.removeprefix("mlflow-artifacts:/")
    server.raw("PUT", f"{PROXY}/{key}/plots/roc.html", b"<script>alert(1)</script>")
    found = server.call("GET", f"artifacts/list?run_id={run_id}")
    assert found == {"root_uri": uri, "files": [{"path": "plots", "is_dir": True}]}
    (entry,) = server.call("GET", f"artifacts/list?run_id={run_id}&path=plots")["files"]
    assert entry["path"] == "plots/roc.html"
    status, headers, body = server.raw("GET", f"/get-artifact?run_id={run_id}&path=plots/roc.html")
    assert (status, body) == (200, b"<script>alert(1)</script>")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-security-policy"].startswith("sandbox;")
    part = {"Range": "bytes=1-6", "If-Range": headers["etag"]}
    assert server.raw("GET", f"/get-artifact?run_id={run_id}&path=plots/roc.html", headers=part)[::2] == (
        206,
        b"script",
    )
    upload = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path=up.txt"
    assert server.raw("POST", upload, b"x" * 100)[::2] == (200, b"")
    assert server.raw("POST", upload, b"x" * (10 * 2**20 + 1))[0] == 400
    assert server.raw("GET", f"/get-artifact?run_id={run_id}&path=up.txt")[2] == b"x" * 100


def test_a_file_is_sent_once_in_parts_or_not_at_all(server):
    path, content = f"{PROXY}/0/large.bin", os.urandom(100_000)
    server.raw("PUT", path, content)
    _, headers, _ = server.raw("GET", path)
    tag, length = headers["etag"], str(len(content))
    status, head, body = server.raw("HEAD", path)
    assert (status, body, head["etag"], head["content-length"]) == (200, b"", tag, length)
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, headers, body = server.raw("GET", path, headers={"If-None-Match": said})
        assert (status, body, headers["etag"]) == (304, b"", tag)
    assert server.raw("GET", path, headers={"If-None-Match": '"other"'})[::2] == (200, content)
    parts = {"bytes=0-9": content[:10], "bytes=99990-": content[-10:], "bytes=-5": content[-5:]}
    for said, part in parts.items():
        for more in ({}, {"If-Range": tag}):
            status, headers, body = server.raw("GET", path, headers={"Range": said, **more})
            assert (status, body) == (206, part)
            assert headers["content-range"].endswith(f"/{length}")
    assert server.raw("GET", path, headers={"Range": "bytes=100000-"})[0] == 416
    assert server.raw("GET", path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})[::2] == (200, content)
    # Another file of the same length in its place is another file, however soon it came.
    server.raw("PUT", path, content[::-1])
    assert server.raw("GET", path, headers={"If-None-Match": tag})[::2] == (200, content[::-1])
    assert server.raw("GET", path, headers={"Range": "bytes=0-9", "If-Range": tag})[::2] == (200, content[::-1])


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xml", "x.xhtml", "x.HTM", "x.js", "x.pdf", "x"])
def test_a_file_that_could_script_a_page_is_sent_inert_by_every_route(server, name):
    run_id = server.run()
    uri = server.call("GET", f"runs/get?run_id={run_id}")["run"]["info"]["artifact_uri"]
    script = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    proxied = f"{PROXY}/{uri.removeprefix('mlflow-artifacts:/')}/{name}"
    server.raw("PUT", proxied, script)
    for path in (proxied, proxied.replace("/api/", "/ajax-api/"), f"/get-artifact?run_id={run_id}&path={name}"):
        for more in ({}, {"Range": "bytes=0-20"}, {"Sec-Fetch-Dest": "iframe"}):
            status, headers, _ = server.raw("GET", path, headers=more)
            assert status in (200, 206)
            policy = headers["content-security-policy"].split("; ")
            assert policy[:2] == ["sandbox", "default-src 'none'"], "no allow-scripts, no allow-same-origin"
            assert headers["content-disposition"].startswith("attachment")
            assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", CLIMBING)
def test_no_path_leads_out_of_the_root(server, secret, path):
    run_id = server.run()
    once = quote(path, safe="%/")
    places = [
        ("GET", f"{PROXY}/{once}"),
        ("PUT", f"{PROXY}/{once}"),
        ("DELETE", f"{PROXY}/{once}"),
        ("GET", f"{PROXY}?path={once}"),
        ("GET", f"/get-artifact?run_id={run_id}&path={once}"),
        ("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path={once}"),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path={once}"),
    ]
    for method, place in places:
        status, _, body = server.raw(method, place, b"overwritten" if method in ("PUT", "POST") else None)
        assert status in (400, 404), (method, place, body)
        assert SECRET not in body
    assert secret.read_bytes() == SECRET


def test_a_link_leads_nowhere(server, secret):
    (root_of(server) / "linked").mkdir(parents=True, exist_ok=True)
    (root_of(server) / "linked" / "out").symlink_to(secret)
    status, _, body = server.raw("GET", f"{PROXY}/linked/out")
    assert (status, SECRET in body) == (400, False)


@pytest.mark.parametrize("location", ["{folder}", "file://{folder}", "{folder}/artifacts/../", "/etc", "file:///etc"])
def test_no_location_that_someone_recorded_is_opened(server, secret, location):
    given = location.format(folder=server.folder)
    status, _, body = server.raw(
        "POST",
        "/api/2.0/mlflow/experiments/create",
        json.dumps({"name": f"at {location}", "artifact_location": given}).encode(),
    )
    if status == 400:
        return
    run_id = server.run(experiment_id=json.loads(body)["experiment_id"])
    # Whatever is written into the database itself, say by someone who may write it, is not trusted either.
    with sqlite3.connect(server.folder / "steno.db") as database:
        database.execute("UPDATE runs SET artifact_uri = ? WHERE run_id = ?", (given, run_id))
    database.close()
    assert server.refused("GET", f"artifacts/list?run_id={run_id}")[0] == 400
    assert server.refused("GET", f"/get-artifact?run_id={run_id}&path=secret")[0] == 400


@pytest.mark.parametrize(
    "source",
    [
        "{folder}",
        "/etc",
        "file:///etc",
        "file:{folder}/secret",
        "{run}/../../..",
        "{run}/%2e%2e/x",
        "relative",
        "{other}",
        "dbfs:/x",
    ],
)
def test_a_version_is_made_of_the_runs_own_files(server, secret, source):
    runs = [server.call("GET", f"runs/get?run_id={server.run()}")["run"]["info"] for _ in range(2)]
    name = f"model {source}".replace("/", "_").replace(":", "_")
    server.call("POST", "registered-models/create", {"name": name})
    given = source.format(folder=server.folder, run=runs[0]["artifact_uri"], other=runs[1]["artifact_uri"])
    for run_id in (runs[0]["run_id"], None):
        asked = {"name": name, "source": given, "run_id": run_id}
        assert server.refused("POST", "model-versions/create", asked) == (400, "INVALID_PARAMETER_VALUE")
    made = server.call(
        "POST",
        "model-versions/create",
        {"name": name, "source": f"{runs[0]['artifact_uri']}/m", "run_id": runs[0]["run_id"]},
    )["model_version"]
    assert made["source"] == f"{runs[0]['artifact_uri']}/m"
    key = made["source"].removeprefix("mlflow-artifacts:/")
    server.raw("PUT", f"{PROXY}/{key}/MLmodel", b"flavors: {{}}")
    query = f"name={quote(name)}&version=1"
    assert server.call("GET", f"model-versions/get-download-uri?{query}")["artifact_uri"] == made["source"]
    sent = server.raw("GET", f"/model-versions/get-artifact?{query}&path=MLmodel")
    assert sent[::2] == (200, b"flavors: {{}}")
    assert sent[1]["content-type"].startswith("text/plain")
    assert server.raw("GET", f"/model-versions/get-artifact?{query}&path=../../../../secret")[0] == 400


def test_a_server_that_serves_no_files_says_so(serve):
    with serve(serve_artifacts=False, artifact_root="s3://bucket/runs") as server:
        run_id = server.run()
        uri = server.call("GET", f"runs/get?run_id={run_id}")["run"]["info"]["artifact_uri"]
        assert uri.startswith("s3://bucket/runs/")
        assert server.raw("GET", f"{PROXY}/x")[0] == 503
        assert server.raw("PUT", f"{PROXY}/x", b"")[0] == 503
        assert server.refused("GET", f"artifacts/list?run_id={run_id}")[0] == 503


def test_what_was_recorded_without_a_server_is_served_and_the_other_way_round(server, tracking):
    steno.set_tracking_uri(f"sqlite:///{server.folder}/steno.db")
    with steno.start_run() as run:
        steno.log_text("from here", "note.txt")
    steno.flush()
    seen = server.call("GET", f"runs/get?run_id={run.info.run_id}")["run"]["info"]
    assert seen["artifact_uri"].startswith("mlflow-artifacts:/")
    assert server.raw("GET", f"/get-artifact?run_id={run.info.run_id}&path=note.txt")[2] == b"from here"
    key = seen["artifact_uri"].removeprefix("mlflow-artifacts:/")
    server.raw("PUT", f"{PROXY}/{key}/back.txt", b"from there")
    assert sorted(each.path for each in steno.Client().list_artifacts(run.info.run_id)) == ["back.txt", "note.txt"]


def test_texts_are_announced_as_texts():
    announced = {name: content_type(name) for name in ("a/MLmodel", "x.YAML", "a.py", "a.html", "a.png", "a.svg", "a")}
    assert announced == {
        "a/MLmodel": "text/plain",
        "x.YAML": "text/plain",
        "a.py": "text/plain",
        "a.html": "text/html",
        "a.png": "image/png",
        "a.svg": "image/svg+xml",
        "a": "application/octet-stream",
    }
