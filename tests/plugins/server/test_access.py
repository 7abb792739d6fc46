"""A gated server: every route refuses a stranger, readers change nothing, and secrets stay where they are."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import time

import pytest
import steno
from click.testing import CliRunner
from steno.cli import root
from steno.cli.session import Session
from steno.errors import InvalidValue, NotFound
from steno_server import users
from steno_server.access import Policy
from steno_server.routes import FILE_ROUTES, ROUTES

TOKEN = "a-token-of-some-length"
GATED = {"auth": "token", "token_hash": hashlib.sha256(TOKEN.encode()).digest()}
OPEN = {"/health", "/ready", "/version"}
PLACES = [
    *((prefix + r.call.path, method) for r in ROUTES for prefix in r.call.prefixes for method in r.call.methods),
    *((route.path, route.method) for route in FILE_ROUTES),
]
EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"
CREATE = "/api/2.0/mlflow/experiments/create"


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def status(server, authorization=None, method="GET", path=EXPERIMENT, body=None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return server.raw(method, path, body, headers)[0]


@pytest.fixture
def file(tmp_path):
    """A file with a writer, Ann, and a reader, Rob."""
    path = tmp_path / "users.json"
    users.add(path, "ann", "ann's password", "write")
    users.add(path, "röb", "rob: his password", "read")
    return path


def test_every_route_refuses_a_stranger_but_for_the_probes(serve):
    assert {route.path for route in FILE_ROUTES if route.policy is Policy.OPEN} == OPEN
    with serve(**GATED) as server:
        for path, method in [*PLACES, ("/nothing", "GET"), ("/docs", "GET"), (CREATE, "OPTIONS")]:
            filled = path.replace("{path:path}", "a/b").replace("{model_id}", "m").replace("{key}", "k")
            body = None if method == "GET" else b"{}"
            code, headers, told = server.raw(method, filled, body)
            if path in OPEN:
                assert code == 200, path
                continue
            assert (code, headers["www-authenticate"]) == (401, 'Bearer realm="steno"'), (method, path)
            assert json.loads(told)["error_code"] == "UNAUTHENTICATED"
            known = server.raw(method, filled, body, {"Authorization": f"Bearer {TOKEN}"})[0]
            assert known not in (401, 403), (method, path)


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Token {TOKEN}", basic("x", TOKEN)],
)
def test_what_is_not_the_token_opens_nothing(serve, said):
    with serve(**GATED) as server:
        assert status(server, said) == 401
        assert status(server, f"bearer {TOKEN}") == 200


def test_users_do_what_their_role_allows(serve, file):
    with serve(auth="basic", users_file=str(file)) as server:
        ann, rob = basic("ann", "ann's password"), basic("röb", "rob: his password")
        made = json.dumps({"name": "by ann"}).encode()
        for _ in range(2):  # judged, then remembered
            assert status(server, ann) == status(server, rob) == 200
        assert status(server, rob, "POST", CREATE, made) == 403
        assert status(server, ann, "POST", CREATE, made) == 200
        for said in (None, "", "Basic", "Basic !!", basic("ann", "rob: his password"), basic("", ""), basic("eve", "")):
            assert status(server, said) == 401
        assert server.raw("GET", EXPERIMENT)[1]["www-authenticate"].startswith("Basic ")
        # A change of the file counts at once, for what was remembered too.
        users.add(file, "röb", "rob: his password", "write")
        assert status(server, rob, "POST", CREATE, b'{"name": "by rob"}') == 200
        users.remove(file, "ann")
        assert status(server, ann) == 401
        file.unlink()
        assert status(server, rob) == 401


def test_a_password_that_was_right_is_judged_once(serve, file):
    with serve(auth="basic", users_file=str(file)) as server:
        ann = basic("ann", "ann's password")
        status(server, ann)
        began = time.monotonic()
        for _ in range(50):
            assert status(server, ann) == 200
        assert time.monotonic() - began < 2.5  # fifty judgements take several times as long


def test_a_read_only_server_lets_nobody_write(serve):
    with serve(**GATED, read_only=True) as server:
        assert status(server, f"Bearer {TOKEN}", "POST", CREATE, b'{"name": "x"}') == 403
        assert status(server, f"Bearer {TOKEN}") == 200


def test_stenos_client_says_who_it_is(serve, file, monkeypatch, tracking):
    monkeypatch.setenv("STENO_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("STENO_TRACKING_PASSWORD", "ann's password")
    with serve(auth="basic", users_file=str(file)) as server:
        steno.set_tracking_uri(f"http://127.0.0.1:{server.port}")
        with steno.start_run() as run:
            steno.log_metric("m", 1.0)
            steno.log_text("kept", "note.txt")
        steno.flush()
        assert steno.Client().get_run(run.info.run_id).data.metrics == {"m": 1.0}


def test_a_file_of_users_holds_no_password_and_is_its_owners(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"password" not in file.read_bytes()
    again = file.read_bytes()
    users.add(file, "ann", "ann's password", "write")
    assert file.read_bytes() != again, "a salt is used once"
    for name, password in (("a:b", "long enough"), ("", "long enough"), ("a\n", "long enough"), ("bob", "short")):
        with pytest.raises(InvalidValue):
            users.add(file, name, password, "write")
    with pytest.raises(NotFound):
        users.remove(file, "nobody")
    file.write_text('{"ann": {"role": "write", "salt": "zz", "hash": ""}}')
    with pytest.raises(InvalidValue, match="ann"):
        users.read(file)


def test_users_are_added_listed_and_removed_on_the_command_line(tmp_path):
    def ask(*words, **more):
        return CliRunner().invoke(
            root.steno, ["server-users", *words, "--users-file", str(tmp_path / "u")], obj=Session(), **more
        )

    assert ask("add", "ann", "--role", "read", "--password-from", "-", input="her password\n").exit_code == 0
    assert ask("add", "bob", input="his password\nhis password\n").exit_code == 0
    assert ask("list").stdout == "ann  read\nbob  write\n"
    assert ask("remove", "ann").exit_code == 0
    assert list(users.read(tmp_path / "u")) == ["bob"]
    assert ask("add", "eve", "--password-from", "-", input="short\n").exit_code == 1
