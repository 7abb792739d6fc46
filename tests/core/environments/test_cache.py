"""Environments: made once, whole or not at all, whoever asks and however the making ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from steno.environments import Specification, prepare, specification_of
from steno.environments.cache import WHOLE
from steno.environments.interpreters import find_interpreter
from steno.errors import EnvironmentFailure, InvalidValue, MissingDependency

BARE = Specification()
PREPARE = """
import sys
from pathlib import Path
from steno.environments import Specification, prepare
from steno.cli.ending import ended_in_order
root, *lines = sys.argv[1:]
with ended_in_order():
    print(prepare(Specification(requirements=tuple(lines)), extras=None, root=Path(root)).fresh)
"""
# A package whose building never ends, with nothing to fetch for it.
SLOW = "import os, pathlib, time\npathlib.Path({pid!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"
SLOW_PROJECT = '[build-system]\nrequires = []\nbuild-backend = "slow"\nbackend-path = ["."]\n'
IS_UV_HERE = Path(sys.executable).with_name("uv").exists() or shutil.which("uv") is not None


def start(root: Path, *lines: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PREPARE, str(root), *lines]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_an_environment_is_made_once_and_is_one_of_its_own(tmp_path: Path) -> None:
    made, found = (prepare(BARE, extras=None, root=tmp_path) for _ in range(2))
    assert (made.fresh, found.fresh) == (True, False)
    assert made.python == found.python
    script = "import sys; print(sys.prefix != sys.base_prefix, sys.prefix)"
    said = subprocess.run([made.python, "-I", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", str(made.folder)]


def test_two_at_once_make_one(tmp_path: Path) -> None:
    processes = [start(tmp_path) for _ in range(3)]
    assert sorted(process.communicate(timeout=50)[0].strip() for process in processes) == ["False", "False", "True"]
    assert len(folders(tmp_path)) == 1


def test_what_was_not_finished_or_lost_its_python_is_made_anew(tmp_path: Path) -> None:
    made = prepare(BARE, extras=None, root=tmp_path)
    (made.folder / "left").write_text("")
    (made.folder / WHOLE).unlink()
    assert prepare(BARE, extras=None, root=tmp_path).fresh
    assert not (made.folder / "left").exists()
    made.python.unlink()
    made.python.symlink_to(tmp_path / "no such python")
    assert prepare(BARE, extras=None, root=tmp_path).fresh
    assert made.python.exists()


def test_what_cannot_be_installed_is_told_with_pips_words_and_leaves_nothing(tmp_path: Path) -> None:
    wanted = Specification(requirements=("--no-index", "no-such-package==1.5"), origin=str(tmp_path / "env.yaml"))
    with pytest.raises(EnvironmentFailure, match=r"env.yaml cannot be installed: pip failed: .*no-such-package==1\.5"):
        prepare(wanted, extras=None, root=tmp_path / "root")
    assert folders(tmp_path / "root") == []


def is_held(root: Path) -> bool:
    (lock,) = root.glob("*.lock")
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def wheel(folder: Path, value: int) -> None:
    """Write the smallest distribution there is."""
    folder.mkdir(parents=True, exist_ok=True)
    about = "tiny-1.0.dist-info"
    files = {
        "tiny.py": f"VALUE = {value}\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def test_a_wheel_that_lies_beside_the_requirements_is_installed_and_counts_by_its_content(tmp_path: Path) -> None:
    model, root = tmp_path / "model", tmp_path / "root"
    values = []
    for value in (1, 2):
        wheel(model / "wheels", value)
        (model / "requirements.txt").write_text("--no-index\nwheels/tiny-1.0-py3-none-any.whl")
        made = prepare(specification_of(model), extras=None, root=root)
        ask = [made.python, "-I", "-c", "import tiny; print(tiny.VALUE)"]
        values.append(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    assert values == ["1", "2"]
    assert len(folders(root)) == 2


@pytest.mark.skipif(not IS_UV_HERE, reason="uv is not installed")
def test_uv_makes_the_same_of_the_same(tmp_path: Path) -> None:
    wheel(tmp_path / "model" / "wheels", 3)
    (tmp_path / "model" / "requirements.txt").write_text("--no-index\nwheels/tiny-1.0-py3-none-any.whl")
    found = specification_of(tmp_path / "model")
    made, again = (prepare(found, "uv", extras=None, root=tmp_path / "root") for _ in range(2))
    assert (made.fresh, again.fresh) == (True, False)
    ask = [made.python, "-I", "-c", "import tiny; print(tiny.VALUE)"]
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout == "3\n"
    with pytest.raises(EnvironmentFailure, match=r"uv failed: .*no-such-package"):
        prepare(
            Specification(requirements=("--no-index", "no-such-package")), "uv", extras=None, root=tmp_path / "root"
        )
    assert len(folders(tmp_path / "root")) == 1


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_leaves_nothing_that_is_taken_for_whole(
    tmp_path: Path, ending: signal.Signals, wait: Callable[..., None]
) -> None:
    project, pid, root = tmp_path / "slow", tmp_path / "pid", tmp_path / "root"
    project.mkdir()
    (project / "pyproject.toml").write_text(SLOW_PROJECT)
    (project / "slow.py").write_text(SLOW.format(pid=str(pid)))
    process = start(root, "--no-index", str(project))
    try:
        wait(pid.exists, 50)
        process.send_signal(ending)
        process.communicate(timeout=30)
        builder = int(pid.read_text())
        if ending is signal.SIGKILL:  # pip goes on, and so holds off the next one
            assert not any((root / name / WHOLE).exists() for name in folders(root))
            assert is_held(root)
            os.kill(builder, signal.SIGKILL)
            wait(lambda: not is_held(root))
        else:
            assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: -signal.SIGINT}[ending]
            assert folders(root) == []
        wait(lambda: gone(builder))
    finally:
        process.kill()


def test_a_place_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue, match="set STENO_ENV_ROOT"):
        prepare(BARE, extras=None, root=tmp_path / "file" / "below")


def test_a_manager_that_is_not_there_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidValue, match="one of local, virtualenv, uv, not 'conda'"):
        prepare(BARE, "conda", extras=None, root=tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    if not IS_UV_HERE:
        with pytest.raises(MissingDependency, match="pip install uv"):
            prepare(BARE, "uv", extras=None, root=tmp_path)


def test_a_python_is_the_first_of_its_name_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, text in {"shim": "exit 127", "other": "echo 3.1.1", "right": "echo 3.97.4"}.items():
        (tmp_path / name).mkdir()
        path = tmp_path / name / "python3.97"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("shim", "other", "right")))
    found = find_interpreter("3.97.1")
    assert (found.path, found.version) == (str(tmp_path / "right" / "python3.97"), "3.97.4")
    assert "Python 3.97.4 stands in for 3.97.1" in caplog.text
    with pytest.raises(EnvironmentFailure, match=r"no python3.98 on PATH runs: install one, or .* `uv`.* or `local`"):
        find_interpreter("3.98")
    assert find_interpreter("").path == sys.executable


def test_a_python_that_steno_does_not_run_on_is_said_before_anything_is_made(tmp_path: Path) -> None:
    old = Specification(python="3.6.1", origin="model/python_env.yaml")
    with pytest.raises(EnvironmentFailure, match=r"names Python 3.6.1, and steno needs >="):
        prepare(old, root=tmp_path)
    assert not list(tmp_path.iterdir())
