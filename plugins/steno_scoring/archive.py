"""A model's folder as one file, for engines that carry files to workers; and its name, which tells its content."""

from __future__ import annotations

import atexit
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import IO

from steno.models import seal
from steno.models.layout import MLMODEL
from steno.models.manifest import Manifest


def name_of(folder: Path, manifest: Manifest) -> str:
    """Return a name that two models share only if they are the same: of one that is sealed, no file is read again."""
    files = manifest.file_digests or seal.digests(folder)
    content = (folder / MLMODEL).read_bytes() + json.dumps(files, sort_keys=True).encode()
    return f"steno-model-{hashlib.sha256(content).hexdigest()[:32]}"


def pack(folder: Path, archive: Path | IO[bytes]) -> None:
    """Write a folder's files to a zip archive, as they are: what fills a model hardly shrinks. Links are left out."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                target.write(path, path.relative_to(folder))


def packed(folder: Path) -> bytes:
    """Return a folder's files as the content of a zip archive."""
    content = io.BytesIO()
    pack(folder, content)
    return content.getvalue()


def unpack(content: bytes, name: str) -> Path:
    """Return where the files of an archive lie for this process; they go with it."""
    folder = archives() / name
    if not folder.exists():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(folder)
    return folder


def archives() -> Path:
    """Return a folder of this process, which goes with it: what an engine serves from it, late workers fetch too."""
    return _folder_of(os.getpid())  # a forked child must not take its parent's away


@lru_cache(maxsize=1)
def _folder_of(process: int) -> Path:
    folder = tempfile.mkdtemp(prefix="steno-scoring-")
    atexit.register(_remove, folder, process)
    return Path(folder)


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
