"""The seal of a model: size and SHA-256 of every file beside its MLmodel file, written there and checked at load.

Files that describe the environment are not part of it: tools edit them in place, and no model is made from them.

It tells damage from soundness: a copy cut short, a disk that lies, a file exchanged by hand. Whoever can write the
folder can seal it anew, so it is no proof of where a model comes from: that is what `trusted` is asked for.
MLflow's readers pass over the key, and what they write has none and loads as it always did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import structs

from steno.contracts.paths import artifact_key
from steno.errors import DamagedModel, ModelError
from steno.models.layout import CODE, CONDA_ENV, CONSTRAINTS, MLMODEL, PYTHON_ENV, REQUIREMENTS
from steno.models.manifest import Manifest

_UNSEALED = {MLMODEL, REQUIREMENTS, CONDA_ENV, PYTHON_ENV, CONSTRAINTS}


def seal(folder: str | Path) -> Manifest:
    """Write the seal of a model anew, after a change that was meant. Raises: ModelError."""
    folder = Path(folder)
    manifest = structs.replace(Manifest.read(folder), file_digests=digests(folder))
    manifest.write(folder)
    return manifest


def digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each file of a model that its seal is about, by path. Memory stays bounded."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {
        name: {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for name, path in sorted(named.items())
        if name not in _UNSEALED and "__pycache__" not in path.parts
    }


def check(folder: Path, manifest: Manifest) -> None:
    """Compare a model's files with its seal, if it has one.

    Raises:
        DamagedModel: Files are missing, changed, or were added among the model's modules; all are named.
        ModelError: The seal itself cannot be read.
    """
    if manifest.file_digests is None:
        return
    if wrong := list(_differences(folder, manifest.file_digests)):
        raise DamagedModel(f"model {folder}", wrong)


def _differences(folder: Path, files: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, told in files.items():
        if not isinstance(told, dict) or not isinstance(told.get("sha256"), str):
            raise ModelError(f"the seal of model {folder} cannot be read: {name!r} has no `sha256`")
        path, size = folder / artifact_key(name), told.get("bytes")
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != size:
            yield f"{name} has {path.stat().st_size} bytes in place of {size}"
        elif _sha256(path) != told["sha256"]:
            yield f"{name} was changed"
    # A module that was added could stand in for another when the model's code is imported.
    for path in (folder / CODE).rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in files and "__pycache__" not in path.parts:
            yield f"{name} was added"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
