"""Other people's clients of the Open Inference Protocol, unmodified, ask `steno models serve`; `v2` has their scripts.

TRITON names an interpreter that has `tritonclient[http]`, KSERVE one that has `kserve`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import STENO
from tests.interop.test_serving import served

HERE = Path(__file__).parent / "v2"
MODELS = ("sums", "columns", "array")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The ports of three models that are served."""
    folder = tmp_path_factory.mktemp("v2")
    subprocess.run([sys.executable, "-W", "ignore", str(HERE / "save.py"), str(folder)], check=True, timeout=100)
    with ExitStack() as stack:
        found = []
        for name in MODELS:
            command = [*STENO, "models", "serve", "-m", name, "--name", name, "--trusted", f"of_{name}.py"]
            found.append(str(stack.enter_context(served(command, folder, dict(os.environ)))))
        yield found


def told_by(variable: str, script: str, ports: list[str]) -> dict[str, Any]:
    """What a client's script says of the three."""
    interpreter = os.environ.get(variable, "")
    if not interpreter:
        pytest.skip(f"the variable {variable} may name an interpreter that has this client")
    command = [interpreter, "-W", "ignore", str(HERE / script), *ports]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nvidias_client_of_triton(ports: list[str]) -> None:
    told = told_by("TRITON", "triton_client.py", ports)
    assert (told["live"], told["ready"], told["model ready"], told["server"]) == (True, True, [True, False], "steno")
    assert told["sums"] == [pytest.approx([4.0, 8.0, 12.0])] * 2
    assert told["table"] == pytest.approx([4.0, 4.0])
    metadata = told["metadata"]["columns"]
    assert [each["datatype"] for each in metadata["inputs"]] == ["BOOL", "INT32", "INT64", "FP32", "FP64", "BYTES"]
    assert told["metadata"]["array"]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2, 2]}]
    for case, said in {"less": "['b', 'c', 'd']", "shape": "(2, 2)", "type": "int8", "none": "inputs"}.items():
        assert said in told["refused"][case], case


def test_kserves_client(ports: list[str]) -> None:
    told = told_by("KSERVE", "kserve_client.py", ports)
    assert (told["live"], told["ready"], told["model ready"]) == (True, True, True)
    assert told["sums"] == [pytest.approx([4.0, 8.0, 12.0])] * 2
    assert "['b', 'c', 'd']" in told["refused"]
