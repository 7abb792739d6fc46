"""Environments that are kept: one for all who name the same, made whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from steno import settings
from steno.environments.installers import Installer, installer, python_of
from steno.environments.own import NAME, Own, own
from steno.environments.specification import Specification
from steno.errors import EnvironmentFailure, InvalidValue

logger = logging.getLogger("steno.environments")
WHOLE = "steno-environment.json"
"""What is in an environment, written as the last of its files: one without it was not finished."""
_FORMAT = 1


class Built(Struct, frozen=True):
    """An environment that is there.

    Attributes:
        folder: Where.
        python: Its interpreter.
        version: The interpreter's version; with `uv`, of one that is fetched, its first two numbers.
        key: What stands for all that is in it.
        fresh: Whether it was made just now.
    """

    folder: Path
    python: Path
    version: str
    key: str
    fresh: bool


def root_folder() -> Path:
    """Return where environments are kept: `STENO_ENV_ROOT`, else a folder of the user's cache."""
    chosen = settings.load(only=("env_root",)).env_root
    return Path(chosen).expanduser().absolute() if chosen else settings.cache_folder() / "steno" / "environments"


def prepare(
    specification: Specification,
    manager: str = "virtualenv",
    *,
    extras: Sequence[str] | None = (),
    beside: Sequence[str] = (),
    root: Path | None = None,
) -> Built:
    """Return the environment of a specification, made first if it is not there yet; that may take minutes.

    It is made in its place rather than moved there, since its scripts carry their own path; until its last file is
    written nobody takes it for whole. Processes that want the same wait for the one that makes it.

    What is installed may run its own code as it is: a specification is to be trusted like a program.

    Args:
        specification: What is to be in it.
        manager: "virtualenv" or "uv".
        extras: Of the steno that runs here, which is added if requirements name none; None leaves steno out.
        beside: Distributions of plugins that run here, and are added likewise.
        root: Where environments are kept; default `root_folder()`.

    Raises:
        EnvironmentFailure: It cannot be made; nothing of it stays.
        InvalidValue: No such manager, or a root that cannot be written.
        MissingDependency: The manager is not installed.
    """
    ours = [] if extras is None else [own(extras), *(own(name=name) for name in beside)]
    _check(specification, ours)
    installs = installer(manager, specification.python)
    lines, added = _with_ours(specification.requirements, ours, extras or ())
    parts = [
        [_FORMAT, manager, installs.python, sysconfig.get_platform()],
        *([*part] for part in (specification.build, lines, specification.constraints, added)),
        [each.identity for each in ours],
        [hashlib.sha256(file.read_bytes()).hexdigest() for file in specification.files()],
    ]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    root = root_folder() if root is None else root
    folder = root / key
    with _locked(root, key) as lock:
        fresh = not ((folder / WHOLE).exists() and python_of(folder).exists())
        if fresh:
            with _making(folder, specification):
                _make(folder, installs, specification, lines, added, lock)
                (folder / f"{WHOLE}.part").write_text(json.dumps(parts), "utf-8")
                os.replace(folder / f"{WHOLE}.part", folder / WHOLE)
    return Built(folder, python_of(folder), installs.python, key, fresh)


def _make(
    folder: Path,
    installs: Installer,
    specification: Specification,
    lines: Sequence[str],
    added: Sequence[str],
    lock: int,
) -> None:
    logger.info("the environment %s is being made", folder)
    arguments, beside = [*specification.build, *lines, *added], specification.folder
    installs.make(folder, bare=not arguments, lock=lock)
    if specification.build:
        installs.install(folder, specification.build, beside, lock)
    with TemporaryDirectory(prefix="steno-requirements-") as place:
        words: list[str] = []
        for option, content in (("-r", lines), ("-c", specification.constraints)):
            if content:
                file = Path(place) / f"{option[1]}.txt"
                file.write_text("\n".join(content) + "\n", "utf-8")
                words += [option, str(file)]
        if lines or added:
            installs.install(folder, [*words, *added], beside, lock)


def _with_ours(lines: Sequence[str], ours: Sequence[Own], extras: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the requirement lines, and what else is to be installed so that what runs here is there.

    A line that names one of ours, and lets this version pass, gives way to where it was installed from: no index has
    what was installed from a folder.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    named: dict[str, Requirement] = {}
    for line in lines:
        with suppress(InvalidRequirement):  # an option, a path: the installer's matter
            named[line] = Requirement(line)
    left, added = list(lines), list[str]()
    for each in ours:
        same = [line for line, requirement in named.items() if canonicalize_name(requirement.name) == each.name]
        asked = [named[line] for line in same]
        if all(not it.url and it.specifier.contains(each.version, prereleases=True) for it in asked):
            left = [line for line in left if line not in same]
            added += each.arguments
        elif each.name == NAME and extras:
            added.append(f"{NAME}[{','.join(extras)}]")
    return left, added


def _check(specification: Specification, ours: Sequence[Own]) -> None:
    from packaging.specifiers import SpecifierSet

    for each in ours:
        if specification.python and each.python:
            if SpecifierSet(each.python).contains(specification.python, prereleases=True):
                continue
            raise EnvironmentFailure(
                f"{specification.origin} names Python {specification.python}, and {each.name} needs {each.python}: "
                "the environment manager `local` takes what is installed here"
            )


@contextmanager
def _locked(root: Path, key: str) -> Iterator[int]:
    """Wait for whoever makes the same environment, and hold others off. Raises: InvalidValue."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = os.open(root / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _no_place(root, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


@contextmanager
def _making(folder: Path, specification: Specification) -> Iterator[None]:
    """Give an environment's place, empty; take away what is there if the body fails."""
    whole = False
    try:
        shutil.rmtree(folder, ignore_errors=True)  # what someone did not finish
        yield
        whole = True
    except OSError as error:
        raise _no_place(folder.parent, error) from error
    except EnvironmentFailure as error:
        origin = f"{specification.origin} cannot be installed" if specification.origin else "nothing was installed"
        raise EnvironmentFailure(f"{origin}: {error.message}") from error
    finally:
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)


def _no_place(root: Path, error: OSError) -> InvalidValue:
    return InvalidValue(
        f"environments cannot be kept in {root}: {error.strerror or error}; set STENO_ENV_ROOT to a folder that can "
        "be written, on a disk with room"
    )
