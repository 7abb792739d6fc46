"""Large files come in parts: in any order, again, to any worker; whole at the end or not at all."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest
from steno_server import multipart

API = "/api/2.0/mlflow-artifacts/mpu"
JSON = {"Content-Type": "application/json"}
PIECES = [os.urandom(100_000), os.urandom(100_000), b"the end"]


@pytest.fixture(autouse=True)
def nothing_left(server):
    """Remove what an earlier test began."""
    for folder in left(server):
        shutil.rmtree(folder)


def post(server, step, place, **body):
    status, _, answer = server.raw("POST", f"{API}/{step}/{place}", json.dumps(body).encode(), JSON)
    return status, json.loads(answer)


def begun(server, path="0/a", name="big.bin", count=3):
    status, answer = post(server, "create", path, path=name, num_parts=count)
    assert status == 200, answer
    return answer["upload_id"], answer["credentials"]


def send(server, credential, piece):
    path = "/" + credential["url"].split("/", 3)[3]
    status, headers, _ = server.raw("PUT", path, piece, credential["headers"])
    assert status == 200
    return {"part_number": credential["part_number"], "etag": headers["etag"], "url": credential["url"]}


def left(server):
    return list((server.folder / "artifacts").glob(".steno-parts-*"))


def test_a_file_is_put_together_from_parts_that_came_in_any_order_and_twice(server):
    upload, places = begun(server)
    send(server, places[1], b"an earlier try")
    parts = [send(server, places[number], PIECES[number]) for number in (2, 0, 1)]
    parts.sort(key=lambda part: part["part_number"])
    assert server.raw("GET", "/api/2.0/mlflow-artifacts/artifacts/0/a/big.bin")[0] == 404
    for _ in range(2):  # the answer may have been lost
        assert post(server, "complete", "0/a", path="big.bin", upload_id=upload, parts=parts) == (200, {})
    assert server.raw("GET", "/api/2.0/mlflow-artifacts/artifacts/0/a/big.bin")[2] == b"".join(PIECES)
    (entry,) = server.call("GET", "/api/2.0/mlflow-artifacts/artifacts?path=0/a")["files"]
    assert entry["path"] == "big.bin"
    assert sum(path.stat().st_size for folder in left(server) for path in folder.iterdir()) < 1000


def test_what_is_not_all_there_is_not_put_together_and_can_be_sent_on(server):
    upload, places = begun(server)
    parts = [send(server, place, piece) for place, piece in zip(places[:2], PIECES[:2], strict=True)]
    for wrong, why in (
        ([*parts, {"part_number": 3, "etag": "none"}], "part 3 is not here"),
        ([{**parts[0], "etag": '"../../key"'}, parts[1]], "part 1 is not here"),
        (parts[1:], "named from 1 on"),
        ([], "named from 1 on"),
    ):
        status, answer = post(server, "complete", "0/a", path="big.bin", upload_id=upload, parts=wrong)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert why in answer["message"]
    parts.append(send(server, places[2], PIECES[2]))
    assert post(server, "complete", "0/a", path="big.bin", upload_id=upload, parts=parts)[0] == 200


def test_an_upload_is_given_up_at_once_or_after_a_week(server, monkeypatch):
    upload, places = begun(server)
    send(server, places[0], PIECES[0])
    assert post(server, "abort", "0/a", path="big.bin", upload_id=upload) == (200, {})
    assert left(server) == []
    status, answer = post(server, "complete", "0/a", path="big.bin", upload_id=upload, parts=[])
    assert (status, answer["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    begun(server)
    (old,) = left(server)
    os.utime(old, (time.time() - multipart.GIVEN_UP_S - 60,) * 2)
    begun(server)
    assert old not in left(server)
    assert len(left(server)) == 1


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("0/a", {"path": "x"}, 400),
        ("0/a", {"path": "x", "num_parts": 0}, 400),
        ("0/a", {"path": "x", "num_parts": 10**9}, 400),
        ("0/a", {"path": "x", "num_parts": "many"}, 400),
        ("0/a", {"num_parts": 1}, 400),
        ("0/%2e%2e/a", {"path": "x", "num_parts": 1}, 400),
        ("0/a", {"path": "..", "num_parts": 1}, 400),
        ("0/.steno-parts-x", {"path": "x", "num_parts": 1}, 400),
    ],
)
def test_what_no_upload_can_be_is_refused(server, path, asked, status):
    assert post(server, "create", path, **asked)[0] == status
    assert left(server) == []


@pytest.mark.parametrize("path", ["x/1", "../../etc/1", "%2e%2e/1", "0" * 32 + "/1", "1"])
def test_parts_go_nowhere_but_into_an_upload(server, path):
    assert server.raw("PUT", f"{API}/part/{path}", b"part")[0] == 404


def test_a_part_has_a_number(server):
    upload, _ = begun(server)
    for number in ("", "0", "10001", "-1", "a", "1/2", "٣".encode().hex()):
        assert server.raw("PUT", f"{API}/part/{upload}/{number}", b"part")[0] in (400, 404), number
    (folder,) = left(server)
    assert [path.name for path in folder.iterdir()] == ["key"]


def test_what_let_the_client_in_comes_back_for_its_parts_and_a_proxys_scheme_is_kept(server):
    body = json.dumps({"path": "x", "num_parts": 1}).encode()
    headers = {**JSON, "Authorization": "Bearer secret", "X-Forwarded-Proto": "https"}
    _, _, answer = server.raw("POST", f"{API}/create/0/a", body, headers)
    (credential,) = json.loads(answer)["credentials"]
    assert credential["headers"] == {"Authorization": "Bearer secret"}
    assert credential["url"].startswith("https://127.0.0.1:")
    assert f"{API}/part/" in credential["url"]
