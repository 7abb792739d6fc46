"""The engine that builds images: Docker or Podman, whichever is there and answers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from steno.environments.running import last_words
from steno.errors import EnvironmentFailure, InvalidValue

ENGINES = ("docker", "podman")
_ANSWER_S = 30.0
_STDERR = 2
_ELSEWHERE = "write the folder with `steno models generate-dockerfile` and build the image elsewhere"


def find(wanted: str = "") -> str:
    """Return the path of an engine that answers: the wanted one, else the first of `ENGINES`.

    Raises:
        EnvironmentFailure: None is installed, or none answers.
    """
    found = {name: path for name in ((wanted,) if wanted else ENGINES) if (path := shutil.which(name))}
    if not found:
        named = f"{wanted} is not" if wanted else "neither docker nor podman is"
        raise EnvironmentFailure(f"{named} installed here: install one, or {_ELSEWHERE}")
    silent = []
    for name, path in found.items():
        if not (said := _objection(path)):
            return path
        silent.append(f"{name} does not answer ({said})")
    raise EnvironmentFailure(f"{'; '.join(silent)}: start one, or {_ELSEWHERE}")


def _objection(path: str) -> str:
    """Why an engine is of no use, "" if it answers."""
    try:
        done = subprocess.run(
            [path, "info"], capture_output=True, text=True, errors="replace", timeout=_ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return last_words(done.stderr.splitlines()) if done.returncode else ""


def build(engine: str, folder: Path, name: str) -> None:
    """Build the image of a folder; what the engine says goes to standard error.

    Raises:
        EnvironmentFailure: The engine failed; it has said why.
        InvalidValue: A name that begins as an option does.
    """
    if name.startswith("-"):
        raise InvalidValue(f"{name!r} is no name of an image")
    done = subprocess.run([engine, "build", "--tag", name, str(folder)], stdout=_STDERR, check=False)
    if done.returncode:
        raise EnvironmentFailure(f"{Path(engine).name} ended with {done.returncode}, and there is no image {name}")
