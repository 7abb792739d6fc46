"""What the system's keyring knows is asked for after a server refused, and not before."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from steno.errors import StoreError
from steno_http.store import HttpStore

keyring = pytest.importorskip("keyring")
HEADER = "Basic " + base64.b64encode(b"ann:from the ring").decode()


class FileRing(keyring.backend.KeyringBackend):
    """Passwords in a JSON file."""

    priority = -1  # never chosen by itself, not even in the tests after these
    file: Path
    asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        found: str | None = self._known().get(service, {}).get(username)
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        self.file.write_text(json.dumps({**self._known(), service: {username: password}}))

    def get_credential(self, service: str, username: str | None) -> Any:
        FileRing.asked += 1
        for name, password in self._known().get(service, {}).items():
            return keyring.credentials.SimpleCredential(name, password)
        return None

    def _known(self) -> dict[str, dict[str, str]]:
        return json.loads(self.file.read_text()) if self.file.exists() else {}


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileRing]:
    before, ring = keyring.get_keyring(), FileRing()
    FileRing.file, FileRing.asked = tmp_path / "ring.json", 0
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def upstream(steno_url: str) -> str:
    return steno_url


@pytest.fixture
def gated(middleman: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A server that lets in who has the right header, and only them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    middleman.be("401")
    middleman.admits = HEADER
    return middleman


def test_a_server_that_refuses_is_shown_what_the_keyring_knows_of_it(gated, ring):
    ring.set_password(gated.url, "ann", "from the ring")
    store = HttpStore(gated.url)
    assert store.get_experiment("0").name == "Default"
    assert store.get_experiment("0").name == "Default"
    assert [headers.get("Authorization") for _, _, headers in gated.asked] == [None, HEADER, HEADER]
    assert FileRing.asked == 1


def test_a_password_that_is_changed_in_the_keyring_is_read_again(gated, ring):
    ring.set_password(gated.url, "ann", "of last year")
    store = HttpStore(gated.url)
    with pytest.raises(StoreError, match="401"):
        store.get_experiment("0")
    ring.set_password(gated.url, "ann", "from the ring")
    assert store.get_experiment("0").name == "Default"


def test_a_keyring_that_knows_nothing_is_asked_once_and_other_servers_are_not_looked_up(gated, ring, monkeypatch):
    ring.set_password("http://elsewhere:5000", "ann", "from the ring")
    store = HttpStore(gated.url)
    for _ in range(3):
        with pytest.raises(StoreError, match="STENO_TRACKING_TOKEN"):
            store.get_experiment("0")
    assert FileRing.asked == 1
    monkeypatch.setenv("STENO_TRACKING_TOKEN", "abc")
    with pytest.raises(StoreError, match="401"):
        store.get_experiment("0")
    assert gated.asked[-1][2]["Authorization"] == "Bearer abc"
    assert FileRing.asked == 1


def test_a_training_that_nobody_refuses_never_imports_it(middleman, tmp_path):
    script = (
        "import sys, steno\n"
        "with steno.start_run():\n"
        "    steno.log_metric('m', 1.0)\n"
        "assert steno.flush()\n"
        "assert 'keyring' not in sys.modules\n"
    )
    environ = {**os.environ, "STENO_TRACKING_URI": middleman.url, "STENO_JOURNAL_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True, timeout=60)
    assert middleman.asked
