"""Certificates on both sides, and the way to a server through a proxy that may not read along."""

from __future__ import annotations

import base64
import importlib
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import steno
from steno.errors import StoreError, StoreUnavailable
from steno_http.store import HttpStore

LOGIN = "Basic " + base64.b64encode(b"me:t@o").decode()


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """An authority of our own, and what it vouches for: a server at 127.0.0.1 and a client; and an impostor."""
    folder = tmp_path_factory.mktemp("papers")

    def make(name: str, *options: str) -> Path:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *options]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=30)
        both = folder / f"{name}.both"
        both.write_text((folder / f"{name}.pem").read_text() + (folder / f"{name}.key").read_text())
        return both

    make("authority", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "basicConstraints=critical,CA:FALSE")
    server = make("server", *signed, "-addext", "subjectAltName=IP:127.0.0.1")
    return SimpleNamespace(
        authority=folder / "authority.pem", server=server, client=make("client", *signed), impostor=make("impostor")
    )


@pytest.fixture
def before(steno_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Puts proxies before steno's server: `before(tls=...)`; the environment names none."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    made = []

    def make(**options: Any) -> Any:
        made.append(importlib.import_module("middleman").Middleman(steno_url, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _tls(papers: SimpleNamespace) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers.server)
    return context


def _reads(url: str) -> bool:
    store = HttpStore(url)
    store.close()  # certificates and proxies are looked at when a connection is made
    return store.get_experiment("0").name == "Default"


def test_a_certificate_is_checked_unless_the_user_says_otherwise(before, papers, monkeypatch):
    with pytest.raises(StoreError, match="instead of https"):
        _reads(before().url.replace("http://", "https://"))
    url = before(tls=_tls(papers)).url
    with pytest.raises(StoreError, match="STENO_TRACKING_SERVER_CERT_PATH") as caught:
        _reads(url)
    assert not isinstance(caught.value, StoreUnavailable)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(papers.authority))
    assert _reads(url)
    with pytest.raises(StoreError, match="not trusted"):
        _reads(url.replace("127.0.0.1", "localhost"))  # the name is looked at too
    monkeypatch.delenv("MLFLOW_TRACKING_SERVER_CERT_PATH")
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert _reads(url)
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(papers.server.parent / "nothing.pem"))
    with pytest.raises(StoreError, match=r"nothing\.pem"):
        _reads(url)


def test_authorities_may_lie_in_a_folder(before, papers, monkeypatch, tmp_path):
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(papers.authority)]
    name = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30).stdout.strip()
    (tmp_path / f"{name}.0").symlink_to(papers.authority)
    monkeypatch.setenv("STENO_TRACKING_SERVER_CERT_PATH", str(tmp_path))
    assert _reads(before(tls=_tls(papers)).url)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_the_client_opens_a_server_that_asks_for_one(before, papers, monkeypatch, version):
    asks = _tls(papers)
    asks.maximum_version = version
    asks.load_verify_locations(papers.authority)
    asks.verify_mode = ssl.CERT_REQUIRED
    url = before(tls=asks).url
    monkeypatch.setenv("STENO_TRACKING_SERVER_CERT_PATH", str(papers.authority))
    for shown in (None, papers.client, papers.impostor):
        if shown:
            monkeypatch.setenv("STENO_TRACKING_CLIENT_CERT_PATH", str(shown))
        if shown == papers.client:
            assert _reads(url)
            continue
        with pytest.raises(StoreError, match="STENO_TRACKING_CLIENT_CERT_PATH") as caught:
            _reads(url)
        # In TLS 1.3 a refusal comes after the handshake, and may be lost with the connection.
        assert version is ssl.TLSVersion.TLSv1_3 or not isinstance(caught.value, StoreUnavailable)


def test_a_training_goes_through_a_proxy_that_sees_nothing_of_it(before, papers, monkeypatch, tmp_path):
    there, proxy = before(tls=_tls(papers)), before(login=LOGIN)
    monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:t%40o@"))
    monkeypatch.setenv("STENO_TRACKING_SERVER_CERT_PATH", str(papers.authority))
    monkeypatch.setenv("STENO_TRACKING_TOKEN", "a-token")
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "journal"))
    steno.set_tracking_uri(there.url)
    with steno.start_run() as run:
        steno.log_metric("loss", 0.5)
    assert steno.flush()
    assert steno.get_run(run.run_id).data.metrics == {"loss": 0.5}
    steno.set_tracking_uri("")
    assert {method for method, _, _ in proxy.asked} == {"CONNECT"}
    assert {path for _, path, _ in proxy.asked} == {there.url.removeprefix("https://")}
    assert all("Authorization" not in headers for _, _, headers in proxy.asked)
    assert {headers["Authorization"] for _, _, headers in there.asked} == {"Bearer a-token"}


def test_a_proxy_that_wants_a_login_is_told_apart_from_a_server_that_does(before, papers, monkeypatch):
    there, proxy = before(tls=_tls(papers)), before(login=LOGIN)
    monkeypatch.setenv("STENO_TRACKING_SERVER_CERT_PATH", str(papers.authority))
    monkeypatch.setenv("https_proxy", proxy.url)
    with pytest.raises(StoreError, match="https_proxy") as caught:
        _reads(there.url)
    assert not isinstance(caught.value, StoreUnavailable)
    assert there.asked == []
