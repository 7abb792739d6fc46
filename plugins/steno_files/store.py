"""Artifacts as plain files under one folder, each written whole or not at all, and large identical ones once."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from steno.contracts.paths import artifact_key
from steno.errors import InvalidValue, NotFound, StoreError, StoreReadOnly, StoreUnavailable, UnsafePath
from steno.records import FileInfo

from steno_files.sharing import SMALLEST_BYTES, Index, Sharing, sha256

_UNFINISHED = ".steno-"
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_FOR_GOOD = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL}


class FileStore:
    """A `steno.contracts.stores.ArtifactStore` in a folder; see there for what each method promises.

    Args:
        uri: A path or a `file:` URI; the folder is made with the first artifact.

    Raises:
        InvalidValue: The URI names no folder of this machine.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._root = _folder(uri)
        self._index = Index.of(self._root)

    def put(self, key: str, source: Path | bytes, *, move: bool = False) -> None:
        target = self._place(key)
        if isinstance(source, Path) and not source.is_file():
            raise NotFound(f"there is no file {source} to store as {key!r}")
        with _translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = _digest(source)
            if not digest or not self._link(digest, target):
                if move and isinstance(source, Path) and _moved(source, target):
                    source = target
                else:
                    self._copy(source, target)
                if digest:
                    self._index.remember(digest, target)
            if move and isinstance(source, Path) and source is not target:
                source.unlink()

    def open(self, key: str) -> BinaryIO:
        place = self._place(key)
        try:
            return place.open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise NotFound(f"there is no artifact {key!r} in {self.uri}") from error
        except OSError as error:
            raise _store_error(error, place) from error

    def list(self, key: str = "") -> list[FileInfo]:
        folder = self._place(key, allow_root=True)
        try:
            with os.scandir(folder) as entries:
                found = [info for entry in entries if (info := _info(key, entry))]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _store_error(error, folder) from error
        return sorted(found, key=lambda info: info.path)

    def delete(self, key: str = "") -> None:
        place = self._place(key, allow_root=True)
        with _translated(place), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink()

    def local_path(self, key: str = "") -> Path | None:
        return self._place(key, allow_root=True)

    @property
    def shares(self) -> str:
        """The folder in which identical files lie once; the same for all stores that share with each other."""
        return str(self._index.folder)

    def tidy(self) -> Sharing:
        """Forget what is gone from here and beside here, and say what lies once for several paths."""
        with _translated(self._root):
            return self._index.tidy()

    def _place(self, key: str, *, allow_root: bool = False) -> Path:
        """Return where a key lies. Raises: UnsafePath, also for a link that leads out of the folder."""
        root = self._root
        place = root / artifact_key(key, allow_root=allow_root)
        if any(part.startswith(_UNFINISHED) for part in key.split("/")):
            raise UnsafePath(f"artifact path {key!r}: names that begin with {_UNFINISHED!r} are the store's own")
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root)):
            raise UnsafePath(f"artifact path {key!r} leads out of {self.uri} by a link")
        return place

    def _link(self, digest: str, target: Path) -> bool:
        unfinished = target.parent / f"{_UNFINISHED}{uuid4().hex}"
        try:
            if not self._index.link(digest, unfinished):
                return False
            unfinished.replace(target)
            self._index.remember(digest, target)
            return True
        finally:
            unfinished.unlink(missing_ok=True)  # it stays where the target was a link to the same file already

    def _copy(self, source: Path | bytes, target: Path) -> None:
        unfinished = target.parent / f"{_UNFINISHED}{uuid4().hex}"
        try:
            with unfinished.open("xb") as file:
                if isinstance(source, bytes):
                    file.write(source)
                else:
                    with source.open("rb") as content:
                        shutil.copyfileobj(content, file, 1024 * 1024)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def _folder(uri: str) -> Path:
    if not uri.startswith("file:"):
        if not uri or "://" in uri or "\0" in uri:
            raise InvalidValue(f"{uri!r} is no folder: write a path or file:///path")
        return Path(uri).absolute()
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise InvalidValue(f"{uri!r} is no folder of this machine: write file:///path")
    return Path(unquote(parts.path)).absolute()


def _digest(source: Path | bytes) -> str:
    """Return the SHA-256 of what is large enough to be shared, "" for the rest."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest() if len(source) >= SMALLEST_BYTES else ""
    return sha256(source) if source.stat().st_size >= SMALLEST_BYTES else ""


def _moved(source: Path, target: Path) -> bool:
    """Rename, unless that would cross file systems or leave a link behind."""
    if source.is_symlink():
        return False
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _info(folder: str, entry: os.DirEntry[str]) -> FileInfo | None:
    if entry.name.startswith(_UNFINISHED):
        return None
    path = f"{folder}/{entry.name}" if folder else entry.name
    try:
        return FileInfo(path, True) if entry.is_dir() else FileInfo(path, False, entry.stat().st_size)
    except FileNotFoundError:  # deleted meanwhile, or a link to nothing
        return None


@contextmanager
def _translated(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _store_error(error, place) from error


def _store_error(error: OSError, place: Path) -> StoreError:
    if error.errno in _READ_ONLY:
        return StoreReadOnly(f"{place} cannot be written: {error.strerror}")
    kind = StoreError if error.errno in _FOR_GOOD else StoreUnavailable
    return kind(f"{place}: {error.strerror or error}")
