"""Who asks, by which way, and what is said when it goes wrong."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from steno.errors import InvalidValue, NotFound, StoreError, StoreReadOnly, StoreUnavailable
from steno.plugins import plugins
from steno_http import credentials, transport
from steno_http.artifacts import HttpArtifacts, proxied_artifacts
from steno_http.store import HttpStore


@pytest.fixture
def upstream(steno_url: str) -> str:
    return steno_url


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Know no credentials, and no proxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    credentials._in_netrc.cache_clear()


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def _shown(middleman) -> str | None:
    return middleman.asked[-1][2].get("Authorization")


@pytest.mark.parametrize("prefix", ["STENO", "MLFLOW"])
def test_credentials_come_from_the_environment_and_the_token_counts_first(middleman, monkeypatch, prefix):
    store = HttpStore(middleman.url)
    store.get_experiment("0")
    assert _shown(middleman) is None
    monkeypatch.setenv(f"{prefix}_TRACKING_USERNAME", "ada")
    monkeypatch.setenv(f"{prefix}_TRACKING_PASSWORD", "pä:ss")
    store.get_experiment("0")
    assert _shown(middleman) == _basic("ada:pä:ss")
    monkeypatch.setenv(f"{prefix}_TRACKING_TOKEN", "abc")
    store.get_experiment("0")
    assert _shown(middleman) == "Bearer abc"


def test_credentials_in_the_address_are_used_and_not_shown(middleman):
    store = HttpStore(middleman.url.replace("//", "//ada:p%40ss@"))
    store.get_experiment("0")
    assert _shown(middleman) == _basic("ada:p@ss")
    assert store.uri == middleman.url
    middleman.be("401")
    with pytest.raises(StoreError) as caught:
        store.get_experiment("0")
    assert "p@ss" not in str(caught.value)


def test_credentials_come_from_netrc(middleman, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    HttpStore(middleman.url).get_experiment("0")
    assert _shown(middleman) == _basic("ada:secret")


def test_a_token_comes_from_a_file_too_and_is_read_afresh(middleman, tmp_path, monkeypatch):
    from steno import settings

    store = HttpStore(middleman.url)
    for token in ("abc", "def"):
        monkeypatch.setattr(settings, "_file", ("", 0.0, {}))  # as a second later
        (tmp_path / "steno.toml").write_text(f'tracking_token = "{token}"\n')
        store.get_experiment("0")
        assert _shown(middleman) == f"Bearer {token}"


def test_a_server_that_was_not_chosen_is_shown_no_token(middleman, monkeypatch):
    monkeypatch.setenv("STENO_TRACKING_TOKEN", "abc")
    HttpArtifacts(f"{middleman.url}/api/2.0/mlflow-artifacts/artifacts/x").list()
    assert _shown(middleman) is None
    monkeypatch.setenv("STENO_TRACKING_URI", middleman.url)
    HttpArtifacts(f"{middleman.url}/api/2.0/mlflow-artifacts/artifacts/x").list()
    assert _shown(middleman) == "Bearer abc"


@pytest.mark.parametrize(
    ("way", "kind", "said"),
    [
        ("401", StoreError, "STENO_TRACKING_TOKEN"),
        ("403", StoreReadOnly, "does not allow"),
        ("404", StoreError, "is it the address"),
        ("302", StoreError, "login.example"),
        ("500", StoreUnavailable, "500"),
        ("503", StoreUnavailable, "503"),
        ("page", StoreUnavailable, "being restarted"),
        ("half", StoreUnavailable, "IncompleteRead"),
        ("closed", StoreUnavailable, "refused"),
    ],
)
def test_each_failure_is_told_apart_and_in_words(middleman, way, kind, said):
    middleman.be(way)
    with pytest.raises(kind, match=said) as caught:
        HttpStore(middleman.url).get_experiment("0")
    assert isinstance(caught.value, StoreUnavailable) == (kind is StoreUnavailable)
    assert middleman.url in str(caught.value)


def test_a_host_that_takes_no_connection_is_given_up_soon_and_left_alone_for_a_while(monkeypatch):
    monkeypatch.setattr(transport, "CONNECT_S", 0.3)
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:  # nobody accepts: once its queue is full, the system answers no more
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        store = HttpStore(f"http://127.0.0.1:{full.getsockname()[1]}")
        began = time.monotonic()
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                store.get_experiment("0")
        assert time.monotonic() - began < 1.0
        for each in crowd:
            each.close()


def test_a_server_that_refused_is_asked_again_at_once(middleman):
    store = HttpStore(middleman.url)
    middleman.be("closed")
    with pytest.raises(StoreUnavailable, match="refused"):
        store.get_experiment("0")
    middleman.be("")
    assert store.get_experiment("0").name == "Default"


def test_an_answer_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setenv("STENO_HTTP_TIMEOUT_S", "0.1")

    class Trickle(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(200):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.03)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Trickle) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="too slowly"):
            HttpStore(f"http://127.0.0.1:{server.server_address[1]}").get_experiment("0")
        assert time.monotonic() - began < 3
        server.shutdown()


def test_a_proxy_from_the_environment_is_asked(middleman, monkeypatch):
    monkeypatch.setenv("http_proxy", middleman.url.replace("//", "//me:too@"))
    HttpStore("http://tracker.invalid:5000").get_experiment("0")
    _, path, headers = middleman.asked[-1]
    assert path.startswith("http://tracker.invalid:5000/api/2.0/mlflow/experiments/get")
    assert headers["proxy-authorization"] == _basic("me:too")
    monkeypatch.setenv("no_proxy", f"elsewhere,{middleman.url.removeprefix('http://')}")
    HttpStore(middleman.url).get_experiment("0")
    assert middleman.asked[-1][1].startswith("/api")
    monkeypatch.setenv("http_proxy", "socks5://me:too@127.0.0.1:1")
    with pytest.raises(StoreError, match="no HTTP proxy") as caught:
        HttpStore("http://other.invalid:5000").get_experiment("0")
    assert "too@" not in str(caught.value)


def test_a_forked_child_connects_anew(middleman, monkeypatch):
    store = HttpStore(middleman.url)
    store.get_experiment("0")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if store.get_experiment("0").name == "Default" else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert store.get_experiment("0").name == "Default"


def test_artifact_addresses_lead_to_the_server_of_runs(middleman, monkeypatch):
    with pytest.raises(InvalidValue, match="set_tracking_uri"):
        proxied_artifacts("mlflow-artifacts:/a/b")
    monkeypatch.setenv("STENO_TRACKING_URI", middleman.url)
    proxied_artifacts("mlflow-artifacts:/a/b").put("c d/é.txt", b"1")
    assert middleman.asked[-1][:2] == ("PUT", "/api/2.0/mlflow-artifacts/artifacts/a/b/c%20d/%C3%A9.txt")
    host = middleman.url.removeprefix("http://")
    with proxied_artifacts(f"mlflow-artifacts://{host}/a/b").open("c d/é.txt") as file:
        assert file.read() == b"1"
    plain = HttpArtifacts(f"{middleman.url}/get")
    with pytest.raises(NotFound):
        plain.open("nothing")
    with pytest.raises(StoreError, match="only be read"):
        plain.put("a", b"1")
    with pytest.raises(StoreError, match="cannot be listed"):
        plain.list()


def test_an_address_without_a_slash_pair_finds_its_store():
    assert plugins().stores.artifact_stores.find("mlflow-artifacts:/a").name == "mlflow-artifacts"
