"""The Makefile describes itself, and its steps say what goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_target() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    listed = re.findall(r"^  make (\w+)  +\S", run("make", "-s", "help").stdout, re.MULTILINE)
    assert sorted(targets) == sorted(listed)


def test_every_target_is_a_recipe_that_make_can_read(tmp_path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    done = run("make", "-n", *targets, f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 0, done.stderr
    assert "-m venv" in done.stdout


def test_a_python_that_is_not_there_is_named_with_the_remedy() -> None:
    done = run(".ci/check-python", "no-such-python")
    assert done.returncode == 1
    assert "'no-such-python'" in done.stderr
    assert "apt install" in done.stderr


def test_the_python_that_runs_the_tests_is_good_enough() -> None:
    done = run(".ci/check-python", sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("status", [1, 7])
def test_a_step_that_fails_shows_what_it_said_and_keeps_its_status(status: int) -> None:
    done = run(".ci/step", "reading tea leaves", "sh", "-c", f"echo the leaves are wet; exit {status}")
    assert done.returncode == status
    assert "the leaves are wet" in done.stdout
    assert "reading tea leaves: failed" in done.stderr


def test_a_step_that_works_is_one_line() -> None:
    done = run(".ci/step", "counting", "sh", "-c", "echo one; echo two")
    assert done.returncode == 0
    assert re.fullmatch(r"counting: done in \d+ s\n", done.stdout)


@pytest.mark.parametrize(("first", "second", "status"), [(0, 0, 0), (3, 0, 3), (0, 7, 7), (3, 7, 7)])
def test_of_two_commands_at_once_both_are_heard_and_either_may_fail(
    first: int, second: int, status: int, tmp_path: Path
) -> None:
    (tmp_path / "first").write_text(f"sleep 0.2; echo beside; exit {first}")
    done = run(".ci/beside", f"sh {tmp_path / 'first'}", "sh", "-c", f"echo here; exit {second}")
    assert (done.returncode, done.stdout) == (status, "here\nbeside\n")


def test_of_two_commands_at_once_nothing_stays_behind_when_they_are_stopped(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("sleep 60 & echo $! > child; wait")
    command = [str(ROOT / ".ci/beside"), "sh first", "sh", "-c", "while [ ! -s child ]; do sleep 0.1; done; sleep 1"]
    process = subprocess.Popen(command, cwd=tmp_path)
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 130
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    assert not child.exists() or child.read_text().split()[2] == "Z"
