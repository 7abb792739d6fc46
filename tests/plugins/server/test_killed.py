"""A server that is killed loses nothing that it acknowledged, and records nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.sql import postgres


def killed(folder, *more):
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["points"] > 100
    assert told["asked_again"] > 0, "no client was interrupted"


@pytest.mark.slow
def test_what_was_acknowledged_is_there_once_however_often_the_server_is_killed(tmp_path):
    killed(tmp_path, "4", "1")


@pytest.mark.slow
def test_so_it_is_where_two_servers_share_a_database(tmp_path):
    server = postgres.Server()
    try:
        server.start()
        killed(tmp_path, "6", "2", server.uri(server.new()), "2")
    finally:
        server.remove()
