"""A tool that knows nothing of us but our description finds no request that is answered with a 500."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

LEFT_OUT = "/steno/v1/events"  # an answer without an end
EXAMPLES = 3


@pytest.fixture(scope="session")
def schemathesis() -> str:
    """The tool's command: `pip install schemathesis`, in an environment of its own."""
    found = os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis")
    if not found:
        pytest.skip("schemathesis is not installed; the variable SCHEMATHESIS may name its command")
    return found


@pytest.mark.slow
def test_no_request_that_schemathesis_makes_up_is_answered_with_500(schemathesis, serving, tmp_path: Path):
    with serving(tmp_path) as url:
        command = [schemathesis, "run", f"{url}/api/steno/v1/openapi.json", "--checks", "not_a_server_error"]
        command += ["--exclude-path-regex", LEFT_OUT, "--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES)]
        command += ["--generation-deterministic", "--continue-on-failure", "--request-timeout", "20", "--no-color"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        cases = re.search(r"(\d+) generated", done.stdout)
        assert cases is not None
        assert int(cases[1]) > 2000
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            counted = answer.read().decode()
        assert 'status="200"' in counted
        assert 'status="5' not in counted
