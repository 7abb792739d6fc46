"""Files on their way to an artifact store: small ones in the journal, large ones in a folder beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steno.contracts.paths import artifact_key
from steno.model_records import LoggedModelStatus
from steno.tracking.frames import Facts, ModelEnd, SpooledFile
from steno.tracking.journal import new_id

if TYPE_CHECKING:
    from steno.records import ModelStart
    from steno.tracking.journal import Journal

INLINE_BYTES = 16 << 10  # making a file would cost more than the bytes do


def append_file(journal: Journal, path: str, content: bytes | Path, model_id: str = "") -> None:
    """Append an artifact of the run, or a file of a logged model.

    Args:
        journal: The run's.
        path: Of the artifact, or below the model's place.
        content: Bytes, or a file, which is moved away or left, as is cheaper.
        model_id: Whose file it is, if it is a model's.

    Raises:
        UnsafePath: `path` is no safe artifact path.
        OSError: The spool folder cannot be written.
    """
    key = artifact_key(path)
    if isinstance(content, Path) and content.stat().st_size <= INLINE_BYTES:
        content = content.read_bytes()
    if isinstance(content, bytes) and len(content) <= INLINE_BYTES:
        journal.append(SpooledFile(key, "", content, model_id))
        return
    spool = journal.folder / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    name = f"{journal.writer_id}.{new_id()}"
    if isinstance(content, bytes):
        (spool / name).write_bytes(content)
    else:
        shutil.move(content, spool / name)
    journal.append(SpooledFile(key, name, model_id=model_id))


def append_model(journal: Journal, start: ModelStart, folder: Path) -> None:
    """Append a logged model with its files, moved away or left. Raises: as `append_file`; the model is FAILED then."""
    journal.append(Facts(models=(start,)))
    try:
        for key, file in files_of(folder):
            append_file(journal, key, file, start.model_id)
    except BaseException as error:
        journal.append(ModelEnd(start.model_id, LoggedModelStatus.FAILED.value, str(error)[:500]))
        raise
    journal.append(ModelEnd(start.model_id, LoggedModelStatus.READY.value))


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their keys, in order."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file
