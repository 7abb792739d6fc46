"""What is installed into an image: the model's requirements, then steno and the plugins that the model needs."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from msgspec import Struct
from steno import settings
from steno.environments.own import NAME, Own, own, readers
from steno.environments.running import NOT_HANDED_ON, last_words
from steno.environments.specification import Specification
from steno.errors import EnvironmentFailure, InvalidValue
from steno.models.layout import CONSTRAINTS, REQUIREMENTS, member
from steno.models.manifest import Manifest

EXTRA = "serving"
WHEELS = "wheels"
_BUILD_S = 600.0


class Packages(Struct, frozen=True):
    """What pip is told in an image.

    Attributes:
        first: The words that install what the model requires, in the folder of its requirement files; () for nothing.
        then: Those that install steno and plugins.
    """

    first: tuple[str, ...]
    then: tuple[str, ...]


def write(
    target: Path, wheels_at: str, folder: Path | None, specification: Specification, manifest: Manifest | None
) -> Packages:
    """Write requirement files and wheels into folders of a build context, and return what pip is told.

    Args:
        target: The build context, a folder.
        wheels_at: Where its folder of wheels lies in the image.
        folder: The model's folder; None for an image without one.
        specification: What the model requires.
        manifest: What the model says of itself.

    Raises:
        EnvironmentFailure: A wheel cannot be built.
        InvalidValue: What steno or a plugin runs on is not the Python of the model.
    """
    first = _requirements(target / "requirements", folder, specification)
    names = [NAME, *(readers(manifest) if manifest is not None else ())]
    owns = [own((EXTRA,) if name == NAME else (), name) for name in names]
    for each in owns:
        _check_python(each.name, each.python, specification.python)
    return Packages(first, tuple(_installed_from(each, target / WHEELS, wheels_at) for each in owns))


def _requirements(target: Path, folder: Path | None, specification: Specification) -> tuple[str, ...]:
    if not specification.requirements:
        return ()
    target.mkdir()
    words: list[str] = []
    files = ((REQUIREMENTS, "--requirement", specification.requirements),
             (CONSTRAINTS, "--constraint", specification.constraints))  # fmt: skip
    for name, option, lines in files:
        if lines:
            (target / name).write_text("\n".join(lines) + "\n", "utf-8")
            words += [option, name]
    for line in specification.requirements:
        if folder is not None and (path := _beside(folder, line)) is not None:
            copy = target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return tuple(words)


def _beside(folder: Path, line: str) -> Path | None:
    """Return the file of the model's that a requirement line names, as `wheels/x-1.0-py3-none-any.whl`."""
    words = shlex.split(line, comments=True, posix=True)
    name = words[0].removeprefix("./") if words else ""
    if not name.endswith((".whl", ".tar.gz", ".zip")) or "://" in name or not (folder / name).exists():
        return None
    return member(folder, name)


def _check_python(name: str, wanted: str, python: str) -> None:
    from packaging.specifiers import SpecifierSet

    if python and wanted and not SpecifierSet(wanted).contains(python, prereleases=True):
        raise InvalidValue(
            f"the model was saved with Python {python}, and {name} runs on {wanted}: choose an image with another one, "
            "as --base-image python:3.12-slim"
        )


def _installed_from(found: Own, wheels: Path, wheels_at: str) -> str:
    """Return a requirement; where the running one has no mere version, of a wheel that is built from where it lies."""
    source = found.arguments[-1]
    if len(found.arguments) == 1 and " @ " not in source:
        return source
    before = set(wheels.glob("*.whl"))
    _build(source, found, wheels)
    (wheel,) = set(wheels.glob("*.whl")) - before
    return f"{wheels_at}/{wheel.name}" + (f"[{EXTRA}]" if found.name == NAME else "")


def _build(source: str, found: Own, wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "wheel", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "--wheel-dir", str(wheels), source],
            env=settings.for_child({}, NOT_HANDED_ON),
            cwd=wheels.parent,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_BUILD_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"building a wheel of {found.name} takes more than {_BUILD_S:.0f} s") from error
    if done.returncode:
        told = last_words((done.stdout + done.stderr).splitlines())
        raise EnvironmentFailure(f"no wheel of {found.name} {found.version} can be built from {source}: {told}")
