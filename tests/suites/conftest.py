"""Runs a suite on broken plugins in a process of its own, once, and reads which of its tests failed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
METADATA = "Metadata-Version: 2.1\nName: steno-toy\nVersion: 1.0\n"


def outcomes(module: str, folder: Path) -> dict[str, dict[str, set[str]]]:
    """Run the suites in a module beside this one; per class, the names of tests by outcome."""
    installed = folder / "installed"
    info = installed / "steno_toy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text("[steno]\ntoy = steno_toy\n")
    report = folder / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull, "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, "-W", "error", f"--junitxml={report}", str(HERE / module)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join((str(HERE / "site"), str(installed)))
    done = subprocess.run(
        [*command, "--import-mode=importlib"],
        cwd=folder,
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return _read(report)


def _read(report: Path) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for case in ElementTree.parse(report).iter("testcase"):
        outcome = next((part.tag for part in case if part.tag in ("failure", "error", "skipped")), "passed")
        found[case.get("classname", "").rpartition(".")[2]][outcome].add(case.get("name", "").partition("[")[0])
    return found


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, dict[str, set[str]]]]:
    """By module beside this one: what each of its classes made of its plugin; run once for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    known = {}

    def tell(module: str):
        if module not in known:
            folder = shared / f"suite of {module}"
            with (shared / f"{module}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                known[module] = _read(folder / "report.xml") if folder.exists() else outcomes(module, folder)
        return known[module]

    return tell
