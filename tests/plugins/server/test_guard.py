"""Pages of other sites, and names that lead here from elsewhere, reach nothing."""

from __future__ import annotations

import pytest
from steno.asgi.guard import Guard

EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"


def objection(host, origin=None, /, **options):
    headers = [(b"host", host.encode("latin-1"))] + ([(b"origin", origin.encode())] if origin is not None else [])
    return Guard(**{"host": "127.0.0.1", "allowed_hosts": (), **options}).objection(headers)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5000",
        "127.0.0.1:5000",
        "127.9.9.9",
        "[::1]:5000",
        "10.1.2.3",
        "192.168.0.9:80",
        "[fd00::1]",
    ],
)
def test_this_machine_and_private_addresses_may_be_asked(host):
    assert not objection(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.evil.example",
        "localhost@evil.example",
        "evil.example#localhost",
        "evil.example?@localhost",
        "8.8.8.8",
        "[2001:4860::1]",
        "",
        "localhost:x",
        "[::1",
        "local host",
        "localhost/x",
    ],
)
def test_other_names_may_not(host):
    assert objection(host)


def test_a_name_is_allowed_by_itself_and_not_as_a_pattern():
    assert not objection("Steno.Example:80", allowed_hosts=("steno.example",))
    assert objection("a.steno.example", allowed_hosts=("steno.example",))
    assert objection("stenoxexample", allowed_hosts=("steno.example",))
    assert not objection("anything.example", allowed_hosts=("*",))
    assert not objection("my-host:1", host="my-host")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:3000", "http://localhost:5000.evil.example", "file://", ""],
)
def test_pages_of_other_origins_are_refused(origin):
    assert objection("localhost:5000", origin)


def test_the_servers_own_pages_and_allowed_ones_may_ask():
    assert not objection("localhost:5000", "http://localhost:5000")
    assert not objection("steno.example", "https://steno.example", allowed_hosts=("steno.example",))
    assert not objection("localhost:5000", "https://page.example", allowed_origins=("https://page.example/",))
    assert objection("localhost:5000", "http://page.example", allowed_origins=("https://page.example",))


def test_a_request_with_two_hosts_is_refused():
    guard = Guard("127.0.0.1", ())
    assert guard.objection([(b"host", b"localhost"), (b"host", b"evil.example")])
    assert guard.objection([])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", [EXPERIMENT, "/get-artifact", "/api/2.0/mlflow-artifacts/artifacts/x", "/nothing"])
def test_the_guard_stands_before_every_route_and_verb(server, method, path):
    assert server.raw(method, path, headers={"Host": "evil.example"})[0] == 403
    status, headers, _ = server.raw(method, path, headers={"Origin": "http://evil.example"})
    assert status == 403
    assert not any(name.startswith("access-control") for name in headers)


def test_probes_may_come_by_any_name(server):
    assert server.raw("GET", "/health", headers={"Host": "load-balancer.example"})[0] == 200


def test_an_allowed_page_is_told_so_and_no_other(serve):
    with serve(allowed_origins=("https://page.example",)) as server:
        _, headers, _ = server.raw("GET", EXPERIMENT, headers={"Origin": "https://page.example"})
        assert headers["access-control-allow-origin"] == "https://page.example"
        asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
        assert server.raw("OPTIONS", EXPERIMENT, headers=asked)[0] == 200
        status, headers, _ = server.raw("GET", EXPERIMENT, headers={"Origin": "https://evil.example"})
        assert status == 403
        assert "access-control-allow-origin" not in headers
        # What may be asked from a page is still asked by a name of this machine.
        both = {"Origin": "https://page.example", "Host": "evil.example"}
        assert server.raw("GET", EXPERIMENT, headers=both)[0] == 403
