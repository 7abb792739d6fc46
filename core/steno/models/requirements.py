"""What has to be installed to load a model: requirements.txt, python_env.yaml and conda.yaml, from this process alone.

Versions come from installed metadata, never from a subprocess, so that logging a model takes milliseconds.

The first line is `mlflow`: the MLmodel file names MLflow's loader modules, so MLflow's tools must find it in an
environment built from here. It carries no version, because the newest MLflow reads what all earlier ones wrote, and
steno itself is not listed, because nothing in the folder imports it.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.errors import InvalidValue
from steno.models.layout import CONDA_ENV, CONSTRAINTS, PYTHON_ENV, REQUIREMENTS
from steno.models.manifest import dump_yaml, load_yaml

READER = "mlflow"
_BUILD_TOOLS = ("pip", "setuptools", "wheel")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")

Requirements = str | Path | Sequence[str]


class Environment(Struct, frozen=True):
    """What the user wants installed, in place of or beside what is found by itself; one of the three at most.

    Attributes:
        pip_requirements: Lines, or a requirements file, in place of the model's packages.
        extra_pip_requirements: Lines, or a requirements file, beside the packages; they win over the same name.
        conda_env: A conda environment, or its file, in place of all.
    """

    pip_requirements: Requirements | None = None
    extra_pip_requirements: Requirements | None = None
    conda_env: Mapping[str, Any] | str | Path | None = None

    def files(self, packages: Iterable[str] = ()) -> dict[str, str]:
        """Return the environment files by name; `packages` are import names, each becomes its distribution, pinned.

        Raises:
            InvalidValue: More than one of the three is given, or one cannot be read.
        """
        given = (self.pip_requirements, self.extra_pip_requirements, self.conda_env)
        if sum(each is not None for each in given) > 1:
            raise InvalidValue("give only one of pip_requirements, extra_pip_requirements and conda_env")
        if self.conda_env is not None:
            return _conda_files(self.conda_env)
        constraints: list[str] = []
        if self.pip_requirements is not None:
            return _files(_lines(self.pip_requirements, constraints), constraints)
        extra = _lines(self.extra_pip_requirements or (), constraints)
        taken = {_name(line) for line in extra}
        return _files([line for line in pinned(tuple(packages)) if _name(line) not in taken] + extra, constraints)

    def write(self, folder: Path, packages: Iterable[str] = ()) -> None:
        """Write the environment files. Raises: InvalidValue."""
        for name, text in self.files(packages).items():
            (folder / name).write_text(text, "utf-8")


def changed(lines: Sequence[str], operation: str, wanted: Sequence[str]) -> list[str]:
    """Return requirement lines with some added, in place of those of the same packages, or ("remove") taken out."""
    names = {_name(line) for line in wanted} - {""}
    kept = [line for line in lines if _name(line) not in names and line not in wanted]
    return [*kept, *wanted] if operation == "add" else kept


def pinned(packages: tuple[str, ...]) -> list[str]:
    """Return `distribution==version` for each import name that an installed distribution provides, in order."""
    found = (installed(package) for package in packages)
    return list(dict.fromkeys(f"{name}=={version}" for name, version in filter(None, found)))


@lru_cache(maxsize=1024)
def installed(package: str) -> tuple[str, str] | None:
    """Return name and version of the distribution that provides an import name; None for the user's own modules."""
    from importlib import metadata

    try:
        found = metadata.distribution(package)
        return found.name, public(found.version)
    except (metadata.PackageNotFoundError, ValueError):
        pass
    # A search in the raw text: `packages_distributions` parses every file list, some 90 ms at first call.
    starts = (f"\n{package}/", f"\n{package}.")
    for distribution in metadata.distributions():
        record = "\n" + (distribution.read_text("RECORD") or "")
        if any(start in record for start in starts):
            return distribution.name, public(distribution.version)
    return None


def public(version: str) -> str:
    """Return a version without the part that names a local build ("2.13.0+cpu"): no index offers that."""
    return version.partition("+")[0]


def _files(lines: list[str], constraints: list[str]) -> dict[str, str]:
    if READER not in map(_name, lines):
        lines = [READER, *lines]
    files = {PYTHON_ENV: _python_env()}
    if constraints:
        lines = [*lines, f"-c {CONSTRAINTS}"]
        files[CONSTRAINTS] = "\n".join(constraints)
    pip = installed("pip")
    conda = {
        "channels": ["conda-forge"],
        "dependencies": [
            f"python={platform.python_version()}",
            f"pip<={pip[1]}" if pip else "pip",
            {"pip": lines},
        ],
        "name": "mlflow-env",
    }
    return {REQUIREMENTS: "\n".join(lines), CONDA_ENV: dump_yaml(conda), **files}


@lru_cache(maxsize=1)
def _python_env() -> str:
    found = {tool: installed(tool) for tool in _BUILD_TOOLS}
    content = {
        "python": platform.python_version(),
        "build_dependencies": [f"{tool}=={at[1]}" if at else tool for tool, at in found.items()],
        "dependencies": [f"-r {REQUIREMENTS}"],
    }
    return dump_yaml(content, sort_keys=False)


def _conda_files(conda_env: Mapping[str, Any] | str | Path) -> dict[str, str]:
    if isinstance(conda_env, Mapping):
        content: Any = dict(conda_env)
    else:
        content = load_yaml(_text(Path(conda_env)), str(conda_env))
    if not isinstance(content, dict) or not isinstance(content.get("dependencies"), list):
        raise InvalidValue("a conda environment is a map with a list of `dependencies`")
    pip = [line for each in content["dependencies"] if isinstance(each, dict) for line in each.get("pip") or ()]
    return {**_files(list(map(str, pip)), []), CONDA_ENV: dump_yaml(content)}


def _lines(given: Requirements, constraints: list[str]) -> list[str]:
    """Return requirement lines, `-r` files read in; what `-c` files hold goes to `constraints`."""
    if isinstance(given, (str, Path)):
        given = _text(Path(given)).splitlines()
    lines: list[str] = []
    for raw in given:
        if not isinstance(raw, str):
            raise InvalidValue(f"a requirement is text, not {raw!r}")
        line = raw.split(" #")[0].strip()
        option, _, rest = line.partition(" ")
        if option in ("-r", "--requirement"):
            lines += _lines(rest.strip(), constraints)
        elif option in ("-c", "--constraint"):
            constraints += _lines(rest.strip(), constraints)
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}; give a list of lines, or the path of a file") from error


def _name(line: str) -> str:
    """Return the normalized name of a requirement line, "" for an option or an address."""
    match = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""
