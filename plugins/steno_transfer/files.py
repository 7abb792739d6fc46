"""Files from where a tool left them into an artifact store, one at a time, the content never whole in memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from steno.contracts.importing import Artifacts
from steno.contracts.stores import ArtifactStore
from steno.errors import StenoError
from steno.records import FileInfo

from steno_transfer.report import Report

_CHUNK_BYTES = 1 << 20


class _File(NamedTuple):
    key: str
    size_bytes: int | None
    path: Path | None


def copy_all(source: Artifacts, target: ArtifactStore, report: Report, owner: str, *, resume: bool) -> bool:
    """Copy the files of a run or model.

    Args:
        owner: Whose they are, for the report.
        resume: An earlier transfer was interrupted: what has its size at the target already is left as it is.

    Returns:
        Whether all are there.
    """
    whole = True
    for file in _files(source, report, owner):
        if file is None:
            whole = False
            continue
        try:
            if resume and _is_there(target, file):
                continue
            size = _copy(source, file, target)
        except (StenoError, OSError) as error:
            report.leave(f"artifact {file.key} of {owner}: {error}")
            whole = False
        else:
            report.count(artifacts=1, artifact_bytes=size)
    return whole


def has_any(source: Artifacts | None) -> bool:
    """Say whether there is a file, or what cannot be listed."""
    return source is not None and next(_files(source, Report(), ""), False) is not False


def _files(source: Artifacts, report: Report, owner: str) -> Iterator[_File | None]:
    """Yield each file; None for what cannot be listed, which is reported."""
    try:
        if isinstance(source, Path):
            yield from _below(source)
        elif isinstance(source, Mapping):
            for key, path in source.items():
                yield _File(key, path.stat().st_size if path.exists() else None, path)
        else:
            yield from _listed(source, "")
    except (StenoError, OSError) as error:
        report.leave(f"artifacts of {owner}: {error}")
        yield None


def _below(folder: Path) -> Iterator[_File]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not path.exists():
            yield _File(path.relative_to(folder).as_posix(), None, path)
        elif path.is_file():
            yield _File(path.relative_to(folder).as_posix(), path.stat().st_size, path)


def _listed(store: ArtifactStore, key: str) -> Iterator[_File]:
    entries: list[FileInfo] = list(store.list(key))
    for entry in entries:
        if entry.is_dir:
            yield from _listed(store, entry.path)
        else:
            yield _File(entry.path, entry.file_size, store.local_path(entry.path))


def _is_there(target: ArtifactStore, file: _File) -> bool:
    if file.size_bytes is None:
        return False
    folder = file.key.rpartition("/")[0]
    return any(entry.path == file.key and entry.file_size == file.size_bytes for entry in target.list(folder))


def _copy(source: Artifacts, file: _File, target: ArtifactStore) -> int:
    """Copy one file and return its size. Raises: StenoError, OSError."""
    if file.path is not None:
        with file.path.open("rb"):  # says why, where a store would only say that there is none
            target.put(file.key, file.path)
        return file.path.stat().st_size
    assert not isinstance(source, Path | Mapping)
    with tempfile.TemporaryDirectory(prefix="steno-transfer-") as folder:
        part = Path(folder) / "file"
        with source.open(file.key) as read, part.open("wb") as written:
            shutil.copyfileobj(read, written, _CHUNK_BYTES)
        size = part.stat().st_size
        target.put(file.key, part, move=True)
    return size


def count_files(source: Artifacts | None, report: Report) -> None:
    """Count files as if they were carried."""
    for file in () if source is None else _files(source, report, "what is there"):
        if file is not None:
            report.count(artifacts=1, artifact_bytes=file.size_bytes or 0)
