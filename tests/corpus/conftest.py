"""The warm processes that scripts are forked from: one framework at a time, ended when the next begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# One thread, so that sums are always made in the same order; and a machine with much else to do may take its time
# over what waits at the end of the process.
ENVIRON = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "Agg",
    "TQDM_MININTERVAL": "600",
    "PYTHONHASHSEED": "0",
    "COLUMNS": "100",
    "STENO_EXIT_TIMEOUT_S": "120",
}


def environ() -> dict[str, str]:
    """The variables that scripts run with, in whatever process."""
    return {**os.environ, **ENVIRON}


class Warm:
    """A process that has a framework imported."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        command = [sys.executable, str(HERE / "warm.py"), framework]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ()
        )

    def run(self, script: Path, folders: dict[str, Path]) -> dict[str, int | str]:
        """Run a script plain and watched at once, each in its folder; return the exit codes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"script": str(script), "folders": {mode: str(folder) for mode, folder in folders.items()}}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the process that has {self.framework} imported is gone: {self._process.poll()}"
        return json.loads(answer)

    def close(self) -> None:
        """End it, and with it what it was forked into."""
        self._process.communicate(timeout=60)


@pytest.fixture(scope="session")
def warm() -> Iterator[Callable[[str], Warm]]:
    """Give the warm process of a framework; scripts come in the order of their frameworks."""
    latest: list[Warm] = []

    def of(framework: str) -> Warm:
        if not latest or latest[0].framework != framework:
            while latest:
                latest.pop().close()
            latest.append(Warm(framework))
        return latest[0]

    yield of
    for process in latest:
        process.close()
