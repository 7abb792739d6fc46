"""An artifact store over objects that are written whole and read whole."""

from __future__ import annotations

import contextlib
import mimetypes
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import unquote

from steno.contracts.paths import artifact_key
from steno.errors import NotFound, UnsafePath
from steno.records import FileInfo

from steno_objects.content import Content

_IN_MEMORY_BYTES = 1 << 20
_SOME = "application/octet-stream"
UNFINISHED = ".steno-"
"""Begins the names of files that are still being written, where a store has no better way."""


class Objects(Protocol):
    """What an `ObjectStore` needs of a bucket or file system, below one root; each method tries again by itself."""

    def write(self, key: str, content: Content, kind: str) -> None:
        """Put an object in its place, whole; `kind` is its media type."""
        ...

    def read(self, key: str, into: BinaryIO) -> None:
        """Write an object to a file, whole. Raises: NotFound."""
        ...

    def children(self, key: str) -> list[FileInfo]:
        """Return what lies directly below a key."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object and all below it, unfinished ones too."""
        ...


class ObjectStore:
    """A `steno.contracts.stores.ArtifactStore`; see there for what each method promises.

    An object is fetched whole before it is handed over, to memory if it is small and else to a temporary file: who
    reads it has it to its end, whatever comes in its place meanwhile.

    Args:
        uri: The root's address, to be shown: without credentials.
        objects: What lies there.

    Raises:
        UnsafePath: The address climbs.
    """

    def __init__(self, uri: str, objects: Objects) -> None:
        if ".." in unquote(uri).split("/"):
            raise UnsafePath(f"the address {uri} climbs out with '..'; name the folder itself")
        self.uri = uri
        self._objects = objects

    def put(self, key: str, source: Path | bytes, *, move: bool = False) -> None:
        own = _own(artifact_key(key))
        try:
            with Content(source) as content:
                self._objects.write(own, content, mimetypes.guess_type(key)[0] or _SOME)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"there is no file {source!s} to store as {key!r}") from error
        if move and isinstance(source, Path):
            source.unlink()

    def open(self, key: str) -> BinaryIO:
        own = _own(artifact_key(key))
        content = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115
        try:
            self._objects.read(own, content)
        except BaseException as error:
            content.close()
            if isinstance(error, NotFound):
                raise NotFound(f"there is no artifact {key!r} in {self.uri}") from error
            raise
        content.seek(0)
        return content

    def list(self, key: str = "") -> list[FileInfo]:
        found = self._objects.children(_own(artifact_key(key, allow_root=True)))
        return sorted((info for info in found if is_key(info.path)), key=lambda info: info.path)

    def delete(self, key: str = "") -> None:
        self._objects.remove(_own(artifact_key(key, allow_root=True)))

    def local_path(self, key: str = "") -> Path | None:
        artifact_key(key, allow_root=True)
        return None


def _own(key: str) -> str:
    if any(part.startswith(UNFINISHED) for part in key.split("/")):
        raise UnsafePath(f"artifact path {key!r}: names that begin with {UNFINISHED!r} are the store's own")
    return key


def is_key(path: str) -> bool:
    """Whether a name that lies in a store, which a stranger may have put there, is one that can be asked for."""
    with contextlib.suppress(UnsafePath):
        return bool(_own(artifact_key(path)))
    return False
