"""What an environment is made of, read from the files that a model's folder, or a project's, has for it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.errors import EnvironmentFailure, ModelError, StenoError
from steno.models.layout import CONDA_ENV, PYTHON_ENV, REQUIREMENTS, member
from steno.models.manifest import load_yaml
from steno.models.requirements import READER

logger = logging.getLogger("steno.environments")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?\w*")
_MOST_BYTES = 4 << 20
_MOST_FILES = 20
_ARCHIVES = (".whl", ".tar.gz", ".zip")


class Specification(Struct, frozen=True):
    """What is to be installed, for which Python.

    Attributes:
        python: Its version, as "3.11.7"; "" where none is named.
        build: Requirement lines that are installed first, for others to be built with.
        requirements: Requirement lines.
        constraints: Lines that bound versions and install nothing.
        origin: The file that says so; requirements may name others beside it, as "wheels/mine-1.0-py3-none-any.whl".
    """

    python: str = ""
    build: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    origin: str = ""

    def files(self) -> list[Path]:
        """Return the files beside it that requirements name. Raises: UnsafePath for one that lies elsewhere."""
        found = []
        for line in self.requirements if self.origin else ():
            name = line.partition(" ")[0].removeprefix("./")
            if name.endswith(_ARCHIVES) and "://" not in name and (self.folder / name).is_file():
                found.append(member(self.folder, name))
        return found

    @property
    def folder(self) -> Path:
        """Where names of files begin: beside `origin`."""
        return Path(self.origin).absolute().parent if self.origin else Path("/")

    def overridden(self, lines: Sequence[str]) -> Specification:
        """Return it with other requirement lines in place of those of the same packages."""
        from steno.models.requirements import changed

        return Specification(
            self.python, self.build, tuple(changed(self.requirements, "add", lines)), self.constraints, self.origin
        )


def specification_of(folder: Path) -> Specification:
    """Return what a folder's `python_env.yaml` names, else the pip part of its `conda.yaml`, else `requirements.txt`.

    A first line that is `mlflow` and no more names whatever reads the model. Here that is steno, which `prepare` adds.

    Raises:
        EnvironmentFailure: It has none of the three, or one that cannot be read or names a file outside the folder.
    """
    for name, read in ((PYTHON_ENV, _of_python_env), (CONDA_ENV, _of_conda)):
        if (folder / name).exists():
            content = load(folder, name)
            if not isinstance(content, dict):
                raise EnvironmentFailure(f"{folder / name} describes no environment: it holds no map")
            return read(folder, name, content)
    if (folder / REQUIREMENTS).exists():
        return _specification(folder, REQUIREMENTS, "", [], [f"-r {REQUIREMENTS}"])
    raise EnvironmentFailure(
        f"{folder} names no environment: it has neither {PYTHON_ENV} nor {CONDA_ENV} nor {REQUIREMENTS}; "
        "the environment manager `local` uses what is installed here"
    )


def load(folder: Path, name: str) -> Any:
    """Return the content of a YAML file of a folder. Raises: EnvironmentFailure."""
    try:
        return load_yaml(_text(folder, name), str(folder / name))
    except ModelError as error:
        raise EnvironmentFailure(" ".join(error.message.split())) from error


def _of_python_env(folder: Path, name: str, content: dict[Any, Any]) -> Specification:
    parts = [content.get(key) or [] for key in ("build_dependencies", "dependencies")]
    for part in parts:
        if not isinstance(part, list) or not all(isinstance(line, str) for line in part):
            raise EnvironmentFailure(f"{folder / name} is damaged: its dependencies are no list of requirement lines")
    return _specification(folder, name, content.get("python"), *parts)


def _of_conda(folder: Path, name: str, content: dict[Any, Any]) -> Specification:
    found = content.get("dependencies")
    if not isinstance(found, list):
        raise EnvironmentFailure(f"{folder / name} is damaged: it has no list of dependencies")
    plain = [each for each in found if isinstance(each, str)]
    python = next((each.partition("=")[2].strip("=") for each in plain if re.match(r"python\s*=", each)), "")
    others = [each for each in plain if not re.match(r"(python|pip)\b(?!-)", each)]
    if others:
        logger.warning("%s names packages of conda, which are left out: %s", folder / name, ", ".join(others))
    pip = [str(line) for each in found if isinstance(each, dict) for line in each.get("pip") or ()]
    return _specification(folder, name, python, [], pip)


def _specification(folder: Path, name: str, python: Any, build: list[str], lines: list[str]) -> Specification:
    version = "" if python is None else str(python).strip()
    if version and not _VERSION.fullmatch(version):
        raise EnvironmentFailure(f"{folder / name} names no version of Python: {python!r}")
    constraints: list[str] = []
    found = list(_flat(folder, lines, constraints, []))
    if found[:1] == [READER]:
        found = found[1:]
    return Specification(version, tuple(build), tuple(found), tuple(constraints), str(folder / name))


def _flat(folder: Path, lines: Sequence[str], constraints: list[str], seen: list[str]) -> Iterator[str]:
    """Give requirement lines, with those of the files that they name; what `-c` files hold goes to `constraints`."""
    for raw in lines:
        line = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
        match = re.fullmatch(r"(?P<option>-r|--requirement|-c|--constraint)[\s=]+(?P<file>.+)", line)
        if match is None:
            if line:
                yield line
            continue
        name = match["file"].strip()
        if name in seen or len(seen) > _MOST_FILES:
            raise EnvironmentFailure(f"{folder}: requirement files name each other without end: {name}")
        further = _flat(folder, _text(folder, name).splitlines(), constraints, [*seen, name])
        if match["option"].startswith(("-r", "--r")):
            yield from further
        else:
            constraints.extend(further)


def _text(folder: Path, name: str) -> str:
    try:
        path = member(folder, name)
        if path.stat().st_size > _MOST_BYTES:
            raise EnvironmentFailure(f"{path} is larger than any list of requirements should be")
        return path.read_text("utf-8")
    except (OSError, ValueError, ModelError) as error:  # UnsafePath is a ValueError
        reason = error.message if isinstance(error, StenoError) else error
        raise EnvironmentFailure(f"{folder / name} cannot be read: {reason}") from error
