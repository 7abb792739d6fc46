"""The bytes of one file on its way to a store, read where they are needed."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from steno.errors import StoreUnavailable


class Content:
    """Bytes, or a file that stays open: what is read last is of the same file as what is read first.

    Raises:
        FileNotFoundError, IsADirectoryError: There is no such file.

    Attributes:
        size_bytes: How many there are.
        source: What was given.
    """

    def __init__(self, source: Path | bytes) -> None:
        self.source = source
        self._file = source.open("rb", buffering=0) if isinstance(source, Path) else None
        self._bytes = memoryview(source) if isinstance(source, bytes) else memoryview(b"")
        self.size_bytes = os.fstat(self._file.fileno()).st_size if self._file else len(self._bytes)

    def read(self, start: int = 0, size_bytes: int | None = None) -> bytes:
        """Return a stretch, by default all. Raises: StoreUnavailable if the file has become shorter."""
        wanted = self.size_bytes - start if size_bytes is None else min(size_bytes, self.size_bytes - start)
        if self._file is None:
            return bytes(self._bytes[start : start + wanted])
        pieces = []
        while wanted:
            piece = os.pread(self._file.fileno(), wanted, start)
            if not piece:
                raise StoreUnavailable(f"{self.source!s} became shorter while it was being stored; store it again")
            pieces.append(piece)
            start, wanted = start + len(piece), wanted - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def __enter__(self) -> Content:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
