"""The rows of the version matrix: `rows.toml`, and a pair of rows for each distribution below `plugins` with tests."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("rows.toml")
AGES = ("oldest", "current")


@dataclass(frozen=True)
class Row:
    """One environment and what is tested in it.

    Attributes:
        name: "xgboost-oldest".
        shown: The distributions whose versions the result names, the framework first.
        installs: What pip is asked for, besides steno itself with its `extra`.
        editable: Folders of distributions to install from the tree.
        pins: The version of each distribution that is not free.
        tests: What pytest is given.
        corpus: The folder of scripts that are run as well, or "".
        ignore: Warnings of the versions pinned that no test is to fail for.
        note: What a reader of the result should know of the versions.
    """

    name: str
    shown: tuple[str, ...]
    extra: str = ""
    installs: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    pins: dict[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    corpus: str = ""
    ignore: tuple[str, ...] = ()
    note: str = ""


def table() -> dict[str, Any]:
    """What `rows.toml` says."""
    return tomllib.loads(TABLE.read_text("utf-8"))


def every() -> list[Row]:
    """All rows, the oldest versions first."""
    said = table()
    tools = tuple(said["tools"]["every_row"])
    ours = [_ours(name, entry, age, tools) for name, entry in said["frameworks"].items() for age in AGES]
    foreign = [_foreign(folder, age, tools, said) for folder in foreign_folders() for age in AGES]
    return sorted(ours + foreign, key=lambda row: row.name.endswith("-current"))


def foreign_folders() -> list[Path]:
    """The folders of the distributions that bring tests."""
    return [
        path.parent for path in sorted(ROOT.glob("plugins/steno-*/pyproject.toml")) if (path.parent / "tests").is_dir()
    ]


def floors(requirements: list[str]) -> dict[str, str]:
    """The oldest version that each requirement with `>=` admits."""
    parsed = [Requirement(each) for each in requirements]
    return {
        each.name: clause.version for each in parsed for clause in each.specifier if clause.operator in (">=", "==")
    }


def _ours(name: str, entry: dict[str, Any], age: str, tools: tuple[str, ...]) -> Row:
    pins = entry.get(age, {})
    return Row(
        name=f"{name}-{age}",
        shown=tuple(entry["oldest"])[: entry.get("shown", 1)],
        extra=entry["extra"],
        installs=(*tools, *entry.get("with", ())),
        pins=pins,
        tests=tuple(entry["tests"]),
        corpus=entry.get("corpus", ""),
        ignore=tuple(entry.get("ignore", ())) if age == "oldest" else (),
        note=entry.get("note", "") if age == "current" else "",
    )


def _foreign(folder: Path, age: str, tools: tuple[str, ...], said: dict[str, Any]) -> Row:
    """A distribution's row: at the floors of its own dependencies, and with what must go with those."""
    dependencies = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    needed = [each for each in dependencies if Requirement(each).name != "steno"]
    entry = said.get("foreign", {}).get(folder.name, {})
    pins = {**floors(needed), **entry.get("oldest", {})} if age == "oldest" else entry.get("current", {})
    return Row(
        name=f"{folder.name.removeprefix('steno-')}-{age}",
        shown=tuple(Requirement(each).name for each in (*needed, *entry.get("with", ()))[:1]),
        installs=(*tools, *entry.get("with", ())),
        editable=(f"plugins/{folder.name}",),
        pins=pins,
        tests=(f"plugins/{folder.name}/tests",),
        corpus=entry.get("corpus", ""),
        ignore=tuple(entry.get("ignore", ())) if age == "oldest" else (),
        note=entry.get("note", "") if age == "current" else "",
    )
