"""Every route: it has a policy that is kept, and whatever is sent to it, it answers in the wire's words."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields
from steno.asgi import messages
from steno.wire.calls import CALLS
from steno_server.access import Policy
from steno_server.routes import FILE_ROUTES, ROUTES

PLACES = [
    (prefix + route.call.path, method, route)
    for route in ROUTES
    for prefix in route.call.prefixes
    for method in route.call.methods
]
CODES = {400: {"INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS"}, 404: {"RESOURCE_DOES_NOT_EXIST"}}


def test_every_call_of_the_wire_has_one_route_with_a_policy():
    assert len(ROUTES) == len(CALLS) == len({(r.call.path, r.call.methods) for r in ROUTES})
    assert {id(route.call) for route in ROUTES} == {id(call) for call in CALLS}
    assert all(route.policy in (Policy.READ, Policy.WRITE) for route in ROUTES)
    opened = {route.path for route in FILE_ROUTES if route.policy is Policy.OPEN}
    assert opened == {"/health", "/ready", "/version"}


def test_only_what_reads_is_asked_by_get_alone():
    names = (
        "get",
        "search",
        "list",
        "download",
        "health",
        "ready",
        "version",
        "metrics",
        "server_info",
    )
    for route in (*ROUTES, *FILE_ROUTES):
        reads = route.handler.__name__.startswith(names)
        assert reads == (route.policy is not Policy.WRITE), route


def test_a_read_only_server_keeps_every_policy(serve):
    with serve(read_only=True) as server:
        for path, method, route in PLACES:
            status, _, body = server.raw(method, path.replace("{model_id}", "m").replace("{key}", "k"), b"{}")
            assert (status == 403) == (route.policy is Policy.WRITE), (path, method, status)
            assert status != 403 or json.loads(body)["error_code"] == "PERMISSION_DENIED"
        for route in FILE_ROUTES:
            path = route.path.replace("{path:path}", "a").replace("{model_id}", "m")
            status, _, _ = server.raw(route.method, path, b"{}" if route.method in ("PUT", "POST") else None)
            assert (status == 403) == (route.policy is Policy.WRITE), route


def test_what_is_asked_in_another_way_is_refused(server):
    assert server.raw("PUT", "/api/2.0/mlflow/runs/create", b"{}")[0] == 405
    assert server.raw("GET", "/api/2.0/mlflow/runs/nothing")[0] == 404
    assert server.raw("GET", "/api/2.0/mlflow/metrics/get-history-bulk?metric_key=a")[0] == 404
    assert server.raw("POST", "/api/2.0/mlflow/runs/create", b"{}", {"Content-Type": "text/plain"})[0] == 400
    with_charset = {"Content-Type": "application/json; charset=utf-8"}
    name = json.dumps({"name": "with a charset"}).encode()
    assert server.raw("POST", "/api/2.0/mlflow/experiments/create", name, with_charset)[0] == 200


def test_probes_are_answered(server):
    assert server.raw("GET", "/health")[::2] == (200, b"OK")
    assert server.raw("GET", "/version")[0] == 200
    assert json.loads(server.raw("GET", "/api/3.0/mlflow/server-info")[2])["workspaces_enabled"] is False


def test_a_body_may_not_be_longer_than_the_limit(serve):
    with serve(max_body_bytes=5000) as server:
        for length, status in ((4000, 200), (6000, 400), (600_000, 400)):
            body = json.dumps({"name": f"of {length}", "what is not known": "x" * length}).encode()
            assert server.raw("POST", "/api/2.0/mlflow/experiments/create", body)[0] == status
        server.experiment()


def test_a_body_that_does_not_arrive_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(messages, "BODY_S", 0.2)
    head = "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
    for sent in (head, head + '{"exp'):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(sent.encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_large_answer_is_compressed_for_those_who_take_it(server):
    run_id = server.run()
    points = [{"key": "m", "value": i / 7, "timestamp": i, "step": i} for i in range(1000)]
    server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
    path = f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=m"
    _, headers, plain = server.raw("GET", path)
    assert "content-encoding" not in headers
    _, headers, packed = server.raw("GET", path, headers={"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert len(packed) < len(plain) / 2
    file = "/api/2.0/mlflow-artifacts/artifacts/0/zeros"
    server.raw("PUT", file, bytes(100_000))
    _, headers, sent = server.raw("GET", file, headers={"Accept-Encoding": "gzip"})
    assert (sent, "content-encoding" in headers) == (bytes(100_000), False)


ODD = [b"", b"null", b"[]", b"{", b"\xff\xfe", b'"x"', b"1" * 400, b'{"a":' * 3000, b'{"name":"\\ud800"}', b"{}"]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_a_body_that_is_none_is_no_fault_of_the_server(server, body):
    for path, method, _ in PLACES:
        if method != "GET":
            status, _, answer = server.raw(method, path, body)
            assert status in (200, 400, 404), (path, body, answer)


_scalars = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=20)
_texts = st.sampled_from(
    ["0", "1", "m", "NaN", "name = 'x'", "../..", "a" * 300, "\0", "models:/x/1", "file:///etc", "%2e%2e/"]
)
_values = st.recursive(
    _scalars | _texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "value", "name"]), inner, max_size=3)
    ),
    max_leaves=6,
)


_pieces = st.sampled_from(
    ["a", "b", "..", ".", "%2e%2e", "%252e", "%00", "%ff", "%", "a%20b", "\u00fc", "#", "?", "n" * 260]
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["GET", "PUT", "DELETE"]), st.lists(_pieces, max_size=4))
def test_no_path_of_a_file_is_answered_with_500(server, method, pieces):
    path = "/api/2.0/mlflow-artifacts/artifacts/" + "/".join(pieces).replace("\u00fc", "%C3%BC")
    status, _, answer = server.raw(method, path, b"x" if method == "PUT" else None)
    assert status in (200, 400, 404, 405), (method, path, answer)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_input_at_all_is_answered_with_500(server, data):
    path, method, route = data.draw(st.sampled_from(PLACES))
    names = [field.name for field in fields(route.call.asks)] or ["x"]
    body = data.draw(st.dictionaries(st.sampled_from(names), _values, max_size=6))
    if method == "GET":
        from urllib.parse import quote, urlencode

        pairs = [(k, each) for k, v in body.items() for each in (v if isinstance(v, list) else [v])]
        query = urlencode([(k, str(v)) for k, v in pairs], errors="replace", quote_via=quote)
        status, _, answer = server.raw("GET", f"{path}?{query}")
    else:
        status, _, answer = server.raw(method, path, json.dumps(body).encode("utf-8", "replace"))
    assert status in (200, 400, 404), (path, body, answer)
    if status != 200:
        assert json.loads(answer)["error_code"] in CODES[status]
