"""Runs the tests of each distribution in `plugins/`, itself alone active, in an environment where all are installed.

usage: python tests/distributions.py [-n WORKERS] [NAME ...]

The environment lies inside that of the interpreter which runs this, and sees all that is installed there. The tests of
steno itself do not see the distributions: nobody has to have them, and both can be run at the same time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(sys.prefix) / "distributions"


def plugin_names(folder: Path) -> list[str]:
    """The names under which a distribution's plugins are registered."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project["entry-points"]["steno"])


def make_environment(folders: list[Path]) -> Path:
    """Return an interpreter that sees this one's packages and the distributions."""
    python = PLACE / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(PLACE)], check=True)
    own, ours = (_site_packages(each) for each in (str(python), sys.executable))
    # `addsitedir` rather than a path: steno itself is an editable install there.
    (Path(own) / "steno-distributions.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    # This interpreter's pip: to give the environment one of its own takes seconds.
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, *(part for each in folders for part in ("--editable", str(each)))], check=True)
    return python


def _site_packages(python: str) -> str:
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([python, "-I", "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


def test(python: Path, names: list[str], folder: Path) -> bool:
    """Run one distribution's tests, its plugins alone active of all `names`; say how, and return whether they pass."""
    began = time.monotonic()
    others = ",".join(name for name in names if name not in plugin_names(folder))
    # Sessions run at once: each computes on one core.
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "STENO_BLOCK_PLUGINS": others}
    with tempfile.TemporaryDirectory(prefix=folder.name) as scratch:
        places = [f"--basetemp={scratch}/tests", "-o", f"cache_dir={scratch}/cache"]
        command = [str(python), "-m", "pytest", *places, str(folder / "tests")]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    outcome = "FAILED" if done.returncode else "passed"
    print(f"{done.stdout}{folder.name}: {outcome} in {time.monotonic() - began:.0f} s", flush=True)
    return not done.returncode


def main() -> int:
    """Run them all, and return 1 if one fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="distributions, all by default: steno-optuna")
    parser.add_argument("-n", default=2, dest="workers", type=int, help="sessions at once")
    chosen = parser.parse_args()
    folders = sorted(each.parent for each in (ROOT / "plugins").glob("*/pyproject.toml"))
    unknown = set(chosen.names) - {each.name for each in folders}
    if unknown:
        parser.error(
            f"no such distribution: {', '.join(sorted(unknown))}; there are {', '.join(f.name for f in folders)}"
        )
    names = [name for folder in folders for name in plugin_names(folder)]
    python = make_environment(folders)
    wanted = [folder for folder in folders if not chosen.names or folder.name in chosen.names]
    with ThreadPoolExecutor(chosen.workers) as pool:
        passed = list(pool.map(partial(test, python, names), wanted))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
