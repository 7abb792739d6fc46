"""The matrix tests what is promised: its oldest versions are the floors in the extras and in what plugins require."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from steno.plugins import plugins

from .rows import AGES, ROOT, every, floors, foreign_folders, table

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FRAMEWORKS = table()["frameworks"]
RUNNER = ROOT / "tests" / "matrix" / "run.py"


def promised(extra: str) -> dict[str, str]:
    """The oldest version of each distribution of an extra, those of extras in it included."""
    found: dict[str, str] = {}
    for each in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(each)
        for inner in requirement.extras if requirement.name == "steno" else ():
            found |= promised(inner)
    return found | floors([each for each in PROJECT["optional-dependencies"][extra] if not each.startswith("steno[")])


def is_floor(pin: str, floor: str) -> bool:
    """Whether a version is the first of what a floor admits, or a repair of it: 1.4.2 for ">=1.4"."""
    wanted = Version(floor).release
    return Version(pin).release[: len(wanted)] == wanted


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_oldest_versions_are_the_floors_of_the_extra(name):
    entry = FRAMEWORKS[name]
    wanted = {key: floor for extra in entry["extra"].split(",") for key, floor in promised(extra).items()}
    assert wanted
    pinned = {key: entry["oldest"].get(key, "no pin") for key in wanted}
    astray = {
        key: (pin, wanted[key]) for key, pin in pinned.items() if pin == "no pin" or not is_floor(pin, wanted[key])
    }
    assert astray == {}


def test_what_plugins_require_is_what_the_oldest_rows_have():
    pins: dict[str, set[str]] = {}
    for row in every():
        if row.name.endswith("-oldest"):
            for name, version in row.pins.items():
                pins.setdefault(name, set()).add(version)
    offers = [*plugins().integrations.offers.values(), *plugins().flavors.offers.values()]
    required = {part.strip() for offer in offers for part in offer.requires.split("|") if part.strip()}
    assert len(required) >= 5
    wanted = {key: floor for each in required for key, floor in floors([each]).items()}
    astray = {
        key: (floor, pins.get(key))
        for key, floor in wanted.items()
        if not any(is_floor(pin, floor) for pin in pins.get(key, ()))
    }
    assert astray == {}


def test_every_framework_has_an_oldest_and_a_current_row_with_tests_that_are_there():
    rows = every()
    names = [row.name for row in rows]
    assert len(names) == len(set(names))
    foreign = [folder.name.removeprefix("steno-") for folder in foreign_folders()]
    assert set(names) == {f"{name}-{age}" for name in (*FRAMEWORKS, *foreign) for age in AGES}
    assert [path for row in rows for path in row.tests if not (ROOT / path).exists()] == []
    scripts = ROOT / "tests" / "corpus" / "scripts"
    assert [row.corpus for row in rows if row.corpus and not (scripts / row.corpus).is_dir()] == []


def test_every_folder_of_tests_for_a_framework_is_in_a_row():
    listed = {path for row in every() for path in row.tests}
    folders = [path for path in (ROOT / "tests" / "integrations").iterdir() if (path / "conftest.py").exists()]
    assert folders
    assert {f"tests/integrations/{folder.name}" for folder in folders} <= listed


def ask(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUNNER), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_runner_lists_what_is_asked_for():
    done = ask("--list", "sklearn")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["sklearn-oldest", "sklearn-current"]


def test_the_runner_knows_which_rows_there_are():
    done = ask("nothing-like-that")
    assert done.returncode == 1
    assert "there is no row 'nothing-like-that'; there are sklearn-oldest" in done.stderr
