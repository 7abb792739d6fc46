"""A server with a certificate is spoken to by those who trust it, and tells what is wrong with its files at once."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys

import pytest
from steno.errors import StoreError
from steno.records import Batch, RunStart
from steno_http.store import HttpStore

from .test_command import ask, started

COMMAND = [sys.executable, "-c", "from steno.cli import main; main()", "server"]


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """A folder with a certificate that vouches for itself at 127.0.0.1, and its key; one key has a password."""
    folder = tmp_path_factory.mktemp("papers")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2"]
    make += ["-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"]
    for name, how in (("server", ["-nodes"]), ("other", ["-nodes"]), ("locked", ["-passout", "pass:secret"])):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run([*make, *how, *files], cwd=folder, check=True, capture_output=True, timeout=30)
    (folder / "both.pem").write_text((folder / "server.pem").read_text() + (folder / "server.key").read_text())
    return folder


def _reads(port):
    store = HttpStore(f"https://127.0.0.1:{port}")
    store.close()
    return store.get_experiment("0").name == "Default"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_steno_and_others_speak_to_a_server_whose_certificate_they_trust(tmp_path, papers, monkeypatch, workers):
    trusting = ssl.create_default_context(cafile=papers / "server.pem")
    options = ["--ssl-certfile", str(papers / "server.pem"), "--ssl-keyfile", str(papers / "server.key")]
    with started(tmp_path, *options, "--workers", workers, tls=trusting) as (process, port):
        ask(port, "POST", "/api/2.0/mlflow/experiments/create", {"name": "by tls"}, tls=trusting)
        with pytest.raises(StoreError, match="STENO_TRACKING_SERVER_CERT_PATH"):
            _reads(port)
        with monkeypatch.context() as asked_for:
            asked_for.setenv("STENO_TRACKING_INSECURE_TLS", "true")
            assert _reads(port)
        monkeypatch.setenv("STENO_TRACKING_SERVER_CERT_PATH", str(papers / "server.pem"))
        assert _reads(port)
        store = HttpStore(f"https://127.0.0.1:{port}")
        store.write("run", Batch(start=RunStart("0", "run", 1), params={"a": "1"}))
        assert store.get_run("run").data.params == {"a": "1"}
        if curl := shutil.which("curl"):
            url = f"https://127.0.0.1:{port}/version"
            seen = subprocess.run([curl, "-s", "--cacert", papers / "server.pem", url], capture_output=True, timeout=20)
            refused = subprocess.run([curl, "-s", url], capture_output=True, timeout=20, check=False)
            assert (seen.returncode, refused.returncode != 0) == (0, True)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            plain.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200" not in plain.recv(1000)
        store.close()
        process.terminate()
        process.wait(15)


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("server.pem", "other.key", "cannot be used with the key"),
        ("server.pem", "", "cannot be used with the key"),
        ("none.pem", "server.key", "No such file"),
        ("locked.pem", "locked.key", "without a password"),
        ("", "server.key", "--ssl-certfile"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts(tmp_path, papers, certificate, key, told):
    options = ["--port", "0", "--ssl-keyfile", str(papers / key) if key else ""]
    options += ["--ssl-certfile", str(papers / certificate) if certificate else ""]
    done = subprocess.run([*COMMAND, *options], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_travels_by_tls_needs_no_warning(tmp_path, papers):
    with socket.socket() as taken:  # so that nothing listens on all addresses even for a moment
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ["--host", "0.0.0.0", "--port", str(taken.getsockname()[1]), "--auth", "token"]
        options += ["--ssl-certfile", str(papers / "both.pem")]
        done = subprocess.run([*COMMAND, *options], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "not encrypted" not in done.stderr
    assert "is served at https://0.0.0.0" in done.stderr
