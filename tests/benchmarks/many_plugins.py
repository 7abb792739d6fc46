"""What installed plugins add to the first `start_run`: `python many_plugins.py N` is one process, with N of them.

They are real distributions in a folder on the path, and do what plugins do: offer a flavor and an integration, tag runs
and see them begin. Called by `cases.py`, which lets processes with and without them take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = '''"""A plugin."""

from __future__ import annotations

from steno.hookspecs import hookimpl


@hookimpl
def steno_register_integrations(register):
    register("{name}", "{name}.autolog:integration", when="framework_of_{name}", requires="framework-of-{name}>=1")


@hookimpl
def steno_register_flavors(register):
    register("{name}", "{name}.flavor:flavor", owns=("framework_of_{name}",), requires="framework-of-{name}>=1")


@hookimpl
def steno_run_tags():
    return {{"{name}": "here"}}


@hookimpl
def steno_run_started(run):
    """See it."""
'''


def install(folder: Path, count: int) -> None:
    """Write distributions as an installer leaves them."""
    for number in range(count):
        name = f"bench_plugin_{number}"
        package = folder / name
        package.mkdir()
        (package / "__init__.py").write_text(SOURCE.format(name=name))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[steno]\n{name} = {name}\n")


def first_run(folder: str) -> None:
    """Print how long the first run takes to begin, in this process."""
    sys.path.insert(0, folder)
    import steno

    wall, cpu = time.perf_counter(), time.process_time()
    run = steno.start_run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    here = sum(name.startswith("bench_plugin_") for name in run.data.tags) if hasattr(run, "data") else 0
    steno.end_run()
    sys.stdout.write(json.dumps({"wall_s": wall, "cpu_s": cpu, "tags": here}) + "\n")


def measure(folder: Path) -> dict[str, float]:
    """One process."""
    # As on a user's machine, where modules are compiled once.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def added(count: int, repeats: int) -> dict[str, float]:
    """Medians of what so many plugins add, in processes that take turns with others that have none."""
    import statistics

    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        install(Path(many), count)
        measure(Path(few)), measure(Path(many))  # the first compiles them
        pairs = [(measure(Path(few)), measure(Path(many))) for _ in range(repeats)]
    return {figure: statistics.median(b[figure] - a[figure] for a, b in pairs) for figure in ("wall_s", "cpu_s")} | {
        "first_s": statistics.median(a["wall_s"] for a, _ in pairs)
    }


if __name__ == "__main__":
    first_run(sys.argv[1])
