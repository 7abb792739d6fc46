"""Reads a file that may be compressed, up to a limit: a small file may unpack to any size."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path
from typing import IO, Any

from steno.errors import ModelError

MOST_TIMES_LARGER = 1000
_OPEN: dict[str, Any] = {"lzma": lzma.open, "bzip2": bz2.open, "gzip": gzip.open}
_SUFFIXES = {".lzma": "lzma", ".bz2": "bzip2", ".gz": "gzip"}


def read(path: Path, form: Any) -> bytes:
    """Return what a file holds; `form` is MLflow's name of the compression, None for what its name says.

    Raises:
        ModelError: An unknown form, a damaged file, or one that unpacks to more than a model could.
    """
    form = form or _SUFFIXES.get(path.suffix)
    if form is None:
        return path.read_bytes()
    if form not in _OPEN:
        raise ModelError(f"{path.name} is compressed as {form!r}; known: {', '.join(_OPEN)}")
    limit = MOST_TIMES_LARGER * path.stat().st_size + 2**20
    try:
        file: IO[bytes]
        with _OPEN[form](path) as file:
            data = file.read(limit + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ModelError(f"{path.name} cannot be unpacked: {error}") from error
    if len(data) > limit:
        raise ModelError(f"{path.name} would unpack to more than {MOST_TIMES_LARGER} times its size")
    return data
