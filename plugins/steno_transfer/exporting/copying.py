"""Files of an artifact store into a folder, each whole or not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from steno.contracts.paths import artifact_key
from steno.contracts.stores import ArtifactStore
from steno.errors import StenoError
from steno.records import FileInfo

_CHUNK_BYTES = 1 << 20
_PART_SUFFIX = ".steno-part"


def copy_files(source: ArtifactStore, folder: Path, owner: str, left: list[str]) -> Iterator[Path]:
    """Copy all files, and yield where each is.

    Args:
        folder: What an interrupted copy brought there and has the size it should is not copied again.
        owner: Whose files they are, for messages.
        left: Told of each file that cannot be copied.

    Raises:
        StenoError, OSError: The files cannot be listed.
    """
    for file in _listed(source, ""):
        target = folder / artifact_key(file.path)
        try:
            if not (target.is_file() and target.stat().st_size == file.file_size):
                _copy(source, file.path, target)
        except (StenoError, OSError) as error:
            left.append(f"artifact {file.path} of {owner}: {error}")
        else:
            yield target


def _copy(source: ArtifactStore, key: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + _PART_SUFFIX)
    try:
        with source.open(key) as read, part.open("wb") as written:
            shutil.copyfileobj(read, written, _CHUNK_BYTES)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _listed(source: ArtifactStore, key: str) -> Iterator[FileInfo]:
    for entry in source.list(key):
        if entry.is_dir:
            yield from _listed(source, entry.path)
        else:
            yield entry
