"""Runs a suite on broken plugins in processes of its own, once, and reads which of its tests failed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent
METADATA = "Metadata-Version: 2.1\nName: steno-toy\nVersion: 1.0\n"
PARTS = 2  # a process each, so that a worker does not wait for what another has begun, but runs the rest
Outcomes = dict[str, dict[str, set[str]]]


def run_part(module: str, part: int, folder: Path) -> None:
    """Run the suites in a module beside this one, of its classes every `PARTS`-th."""
    installed = folder / "installed"
    info = installed / "steno_toy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text("[steno]\ntoy = steno_toy\n")
    report = f"--junitxml={folder / 'report.xml'}"
    # `--confcutdir`: the plugins need nothing of the conftests above, and those import much.
    places = ["-c", os.devnull, "--rootdir", folder, "--confcutdir", folder, "--import-mode=importlib"]
    options = [
        "-q",
        f"--basetemp={folder / 'tests'}",
        "-p",
        "parts",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-W",
        "error",
        report,
    ]
    command = [sys.executable, "-m", "pytest", *places, *options, HERE / module]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join((str(HERE / "site"), str(installed)))
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**environment, "PYTHONPATH": path, "SUITES_PART": f"{part} {PARTS}"},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr


def _read(reports: list[Path]) -> Outcomes:
    found: Outcomes = defaultdict(lambda: defaultdict(set))
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            outcome = next((part.tag for part in case if part.tag in ("failure", "error", "skipped")), "passed")
            found[case.get("classname", "").rpartition(".")[2]][outcome].add(case.get("name", "").partition("[")[0])
    return found


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcomes]:
    """By module beside this one: what each of its classes made of its plugin; run once for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    known: dict[str, Outcomes] = {}

    def tell(module: str) -> Outcomes:
        if module not in known:
            folders = [shared / f"suite of {module}, part {part}" for part in range(PARTS)]
            for wait in (fcntl.LOCK_NB, 0):  # first what nobody is at
                for part, folder in enumerate(folders):
                    with folder.with_suffix(".lock").open("w") as lock, suppress(BlockingIOError):
                        fcntl.flock(lock, fcntl.LOCK_EX | wait)
                        if not folder.exists():
                            run_part(module, part, folder)
            known[module] = _read([folder / "report.xml" for folder in folders])
        return known[module]

    return tell
