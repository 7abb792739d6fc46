"""The wheel holds what it should, and works in an environment of its own."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def packages() -> list[Path]:
    """The folders that pyproject.toml lists as packages."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return [ROOT / path for path in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]


def test_the_wheel_holds_every_module_of_every_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(package.parent).as_posix()
        for package in packages()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == expected
    assert "steno/py.typed" in shipped


def test_every_folder_of_code_is_listed_as_a_package() -> None:
    folders = {
        path.parent for folder in ("integrations", "plugins") for path in (ROOT / folder).glob("steno_*/__init__.py")
    }
    assert folders | {ROOT / "core/steno"} == set(packages())


def test_every_plugin_that_ships_here_is_an_entry_point() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = set(settings["project"]["entry-points"]["steno"].values())
    assert named == {package.name for package in packages()} - {"steno"}


def test_the_wheel_works_where_it_is_installed(installed: Any, tmp_path: Path) -> None:
    where = installed.python("-c", "import steno; print(steno.__file__)", cwd=tmp_path).stdout
    assert where.startswith(str(installed.folder))
    assert "Usage" in installed.run("steno", "--help", cwd=tmp_path).stdout
    assert "Traceback" not in installed.run("steno", "no-such-command", cwd=tmp_path, check=False).stderr


def test_every_plugin_is_active_where_it_is_installed(installed: Any, tmp_path: Path) -> None:
    script = "from steno.plugins import plugins; print({state.name: state.state for state in plugins().states()})"
    states = installed.python("-c", script, cwd=tmp_path).stdout
    assert "failed" not in states
    assert states.count("'active'") == len(packages()) - 1
