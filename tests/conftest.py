"""Where tests run: each in a folder of its own, with no setting from outside; and a fresh environment on demand."""

from __future__ import annotations

import compileall
import fcntl
import gc
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import steno
from steno.tracking import context, ending, experiments, places

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = ("STENO_", "MLFLOW_", "PIP_")
OURS = ("PYTEST_", "PYTHONPATH")  # meant for the process that runs the tests, not for what it starts

# Workers take every core already; threads that wait for each other's turn cost several times what they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

hypothesis.settings.register_profile("steno", deadline=None)
hypothesis.settings.load_profile("steno")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Let no garbage collection walk through the frameworks and the tests themselves: that takes a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test in an empty folder and without anyone's settings."""
    for name in [name for name in os.environ if name.startswith(OUTSIDE)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tracking(tmp_path: Path) -> Iterator[str]:
    """The address of a fresh store that runs go to; afterwards the process knows nothing of it."""
    steno.set_tracking_uri(tmp_path / "runs")
    context.last.set(None)
    context.last_model.set(None)
    yield steno.get_tracking_uri()
    for run in list(ending._open.values()):
        run.end()
    context.stack.set(())
    steno.flush()
    experiments.forget()
    steno.clear_active_model()
    steno.set_tracking_uri("")
    places.forget_stores()


@pytest.fixture
def wait() -> Callable[..., None]:
    """Wait until something holds, for at most some seconds."""

    def wait(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@dataclass(frozen=True)
class Installed:
    """A virtual environment with steno's wheel in it, which also sees the packages of the one that runs the tests."""

    folder: Path
    wheel: Path

    def environ(self, **more: str) -> dict[str, str]:
        """The variables for a process that runs in it, without network."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE + OURS)}
        path = f"{self.folder / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_QUIET": "1"}
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1", "COLUMNS": "160"}
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.folder), **offline, **quiet, **more}

    def run(
        self, *command: str | Path, cwd: Path, check: bool = True, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it; with `check`, a failure shows what the command said."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words, cwd=cwd, env=self.environ(**environ), capture_output=True, text=True, timeout=240, check=False
        )
        if check and done.returncode:
            pytest.fail(f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done

    def python(
        self, *arguments: str | Path, cwd: Path, check: bool = True, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run its interpreter."""
        return self.run(self.folder / "bin" / "python", *arguments, cwd=cwd, check=check, **environ)

    def install(self, *what: str | Path) -> None:
        """Install distributions from disk, without what they depend on."""
        self.python("-m", "pip", "install", *what, cwd=self.folder)

    def copied(self, folder: Path) -> Installed:
        """Return a copy, at a folder that does not exist yet."""
        shutil.copytree(self.folder, folder, symlinks=True)
        for script in (folder / "bin").iterdir():
            if not script.is_symlink():
                script.write_text(script.read_text("utf-8").replace(str(self.folder), str(folder)), "utf-8")
        return Installed(folder, self.wheel)


@contextmanager
def once(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder that all workers share, and whether it is still to be made; one worker at a time is told."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    made = folder.with_suffix(".made")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        yield folder, not made.exists()
        made.touch()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """steno, built as a wheel from this tree."""
    with once(tmp_path_factory, "wheel") as (folder, to_make):
        if to_make:
            command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("steno-*.whl"))


@pytest.fixture(scope="session")
def pristine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with the wheel installed and compiled, which is copied and stays as it is."""
    with once(tmp_path_factory, "pristine") as (folder, to_make):
        if to_make:
            link_packages(folder / "packages")
            make_environment(folder / "venv", folder / "packages", wheel)
    return Installed(folder / "venv", wheel)


def link_packages(folder: Path) -> None:
    """Link the packages of the tests' environment, less what is editable there: plugins of this repository."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        origin = entry / "direct_url.json"
        if entry.suffix != ".pth" and not (origin.exists() and '"editable": true' in origin.read_text("utf-8")):
            (folder / entry.name).symlink_to(entry)


def make_environment(folder: Path, packages: Path, wheel: Path) -> None:
    """Make an environment with a wheel installed and compiled, which sees some packages."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    (site,) = folder.glob("lib/python3*/site-packages")
    # Named in a .pth, so that it comes after what is installed here.
    (site / "packages.pth").write_text(f"{packages}\n", "utf-8")
    # ensurepip takes seconds; the tests' own pip installs into the environment whose interpreter runs it.
    pip = folder / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m pip "$@"\n', "utf-8")
    pip.chmod(0o755)
    environment = Installed(folder, wheel)
    environment.install(wheel)
    assert compileall.compile_dir(site, quiet=1)
    # pytest compiles the suites its own way: once here, or each copy would.
    suites = "import steno.testing.flavor, steno.testing.integration, steno.testing.stores\n"
    (folder / "test_suites.py").write_text(suites, "utf-8")
    environment.python("-m", "pytest", "-p", "steno.testing", "-p", "no:cacheprovider", cwd=folder, check=False)
    (folder / "test_suites.py").unlink()


@pytest.fixture
def installed(pristine: Installed, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A fresh environment with the wheel installed; the test may install more into it."""
    return pristine.copied(tmp_path_factory.mktemp("installed") / "venv")
