"""Each foreign distribution, as a wheel beside a wheel of steno in a clean environment: it trains, logs and loads."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<language>\w*)(?: file=(?P<file>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = ROOT / "integrations/README.md"
AUDIT = ROOT / "examples/third_party_plugin"
FOREIGN = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
# What is installed beside the wheels: what runs the page's suite. Whatever asks for these frameworks has no place here.
TESTS = ("pytest>=8",)
NEVER = "torch<0\ntensorflow<0\njax<0\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

LOOK = """
import json, steno
from steno.plugins import plugins

runs = steno.search_runs(search_all_experiments=True, output_format="list")
installed = plugins()
print(json.dumps({
    "runs": [
        {"id": run.info.run_id, "status": run.info.status, "metrics": run.data.metrics, "tags": run.data.tags,
         "models": [made.model_id for made in run.outputs.model_outputs]}
        for run in runs
    ],
    "states": {one.name: [one.distribution, str(one.state)] for one in installed.states()},
    "owns": {name: [offer.plugin, list(offer.owns)] for name, offer in installed.flavors.offers.items()},
}))
"""

LOAD = """
import sys
import steno

model = steno.load_model(f"models:/{sys.argv[1]}")
print([base.__module__.partition(".")[0] for base in type(model).__mro__])
"""


@dataclass(frozen=True)
class Clean:
    """A virtual environment that sees nothing but what pip installed into it."""

    folder: Path

    def run(self, *command: str | Path, cwd: Path) -> str:
        """Run a command with no variable of ours, and return what it printed; a failure shows all it said."""
        words = [str(word) for word in command]
        path = f"{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        environ = {"PATH": path, "HOME": str(cwd), "VIRTUAL_ENV": str(self.folder), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, timeout=110, check=False)
        if done.returncode:
            pytest.fail(f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done.stdout

    def python(self, *arguments: str | Path, cwd: Path) -> str:
        """Run its interpreter."""
        return self.run(self.folder / "bin/python", *arguments, cwd=cwd)


def blocks(page: Path) -> list[re.Match[str]]:
    """The fenced blocks of a page."""
    return list(FENCE.finditer(page.read_text("utf-8")))


def shown(page: Path) -> list[str]:
    """The programs of a page that are no files of a distribution."""
    return [block["text"] for block in blocks(page) if block["language"] == "python" and not block["file"]]


def pip(*arguments: str | Path, timeout_s: float) -> None:
    """Run the tests' own pip, with the index that it is set up for."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)


def make(folder: Path, steno: Path) -> None:
    """Build every wheel, and install them all with what they depend on: pip works that out once."""
    example = folder / "example"
    example.mkdir(parents=True)
    for block in blocks(PAGE):
        if block["file"]:
            (example / block["file"]).write_text(block["text"], "utf-8")
    wheels, sources = folder / "wheels", [*FOREIGN, AUDIT, example]
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, *sources, timeout_s=120)
    assert len(list(wheels.iterdir())) == len(sources)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder / "venv")
    (folder / "constraints.txt").write_text(NEVER, "utf-8")
    options = ["--quiet", "--no-compile", "--only-binary", ":all:", "--constraint", folder / "constraints.txt"]
    into = ["--python", folder / "venv/bin/python"]
    pip(*into, "install", *options, steno, *sorted(wheels.iterdir()), *TESTS, timeout_s=240)


@pytest.fixture(scope="session")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Clean]:
    """The environment: one for all that is tried here. The first worker to need it makes it, the last takes it away."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "clean"
    users, lock = folder.with_suffix(".users"), folder.with_suffix(".lock")
    with locked(lock):
        if not users.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder, wheel)
        users.write_text((users.read_text() if users.exists() else "") + "|")
    yield Clean(folder / "venv")
    with locked(lock):
        users.write_text(users.read_text()[1:])
        if not users.read_text():
            users.unlink()
            shutil.rmtree(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one worker at a time do what follows."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def look(clean: Clean, folder: Path) -> dict[str, Any]:
    """What was left in a folder, as a further process sees it."""
    found: dict[str, Any] = json.loads(clean.python("-c", LOOK, cwd=folder).splitlines()[-1])
    return found


def name_of(folder: Path) -> str:
    """The name of a distribution's plugin."""
    (name,) = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["steno"]
    return str(name)


def test_the_environment_holds_the_wheels_and_none_of_the_checkout(clean: Clean, tmp_path: Path) -> None:
    program = (
        "import steno, steno_audit, steno_scipy; print(steno.__file__, steno_audit.__file__, steno_scipy.__file__)"
    )
    for path in clean.python("-c", program, cwd=tmp_path).split():
        assert path.startswith(str(clean.folder)), path
    listed = clean.run(clean.folder / "bin/steno", "plugins", cwd=tmp_path)
    assert "steno-audit" in listed
    assert "failed:" not in listed


@pytest.mark.parametrize("folder", FOREIGN, ids=lambda folder: folder.name)
def test_a_foreign_distribution_trains_logs_and_loads_its_model_back(
    clean: Clean, folder: Path, tmp_path: Path
) -> None:
    programs = shown(folder / "README.md")
    assert programs, f"{folder.name}/README.md shows no training: its first block of Python is what is tried here"
    (tmp_path / "train.py").write_text(programs[0], "utf-8")
    clean.python("train.py", cwd=tmp_path)
    left = look(clean, tmp_path)
    plugin = name_of(folder)
    distribution, state = left["states"][plugin]
    assert distribution == folder.name
    assert not state.startswith(("failed", "blocked", "needs")), state
    assert left["runs"]
    assert {run["status"] for run in left["runs"]} == {"FINISHED"}
    assert any(run["metrics"] for run in left["runs"])
    owned = {module for owner, modules in left["owns"].values() if owner == plugin for module in modules}
    if owned:
        model_id = logged_model(left)
        assert owned & set(json.loads(clean.python("-c", LOAD, model_id, cwd=tmp_path).replace("'", '"')))


def logged_model(left: dict[str, Any]) -> str:
    """The id of a model that a run made."""
    for run in left["runs"]:
        if run["models"]:
            return str(run["models"][-1])
    pytest.fail(f"no run has a model: {[run['tags'] for run in left['runs']]}")


def test_the_strangers_plugin_takes_part(clean: Clean, tmp_path: Path) -> None:
    program = (
        "import steno\nwith steno.start_run():\n    steno.log_param('api_key', 'sk-1')\n    steno.log_metric('loss', 1)"
    )
    clean.python("-c", program, cwd=tmp_path)
    events = [json.loads(line)["event"] for line in (tmp_path / "steno-audit.jsonl").read_text("utf-8").splitlines()]
    assert events == ["run_started", "run_ended"]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "stenoruns").glob("steno.db*"))
    assert b"sk-1" not in kept


def test_the_integration_on_the_page_is_under_100_lines_and_records_a_training(clean: Clean, tmp_path: Path) -> None:
    (module,) = [block["text"] for block in blocks(PAGE) if block["file"] == "steno_scipy.py"]
    assert len(module.splitlines()) < 100
    (tmp_path / "train.py").write_text(shown(PAGE)[0], "utf-8")
    clean.python("train.py", cwd=tmp_path)
    (run,) = look(clean, tmp_path)["runs"]
    assert run["status"] == "FINISHED"
    assert run["metrics"]["fun"] < 1e-6


def test_the_integration_on_the_page_passes_the_suite(clean: Clean, tmp_path: Path) -> None:
    (test,) = [block["text"] for block in blocks(PAGE) if block["file"] == "test_scipy.py"]
    assert "IntegrationSuite" in test
    (tmp_path / "test_scipy.py").write_text(test, "utf-8")
    said = clean.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_scipy.py", cwd=tmp_path)
    passed = re.search(r"(\d+) passed", said)
    assert passed, said
    assert int(passed[1]) > 20
