"""Objects in whatever else fsspec reaches: Google Cloud Storage, Azure, SFTP, HDFS, and what else is installed."""

from __future__ import annotations

import contextlib
import posixpath
from typing import Any, BinaryIO
from uuid import uuid4

from fsspec import AbstractFileSystem, available_protocols, get_filesystem_class
from fsspec.core import url_to_fs
from steno.errors import (
    InvalidValue,
    MissingDependency,
    NotFound,
    StenoError,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
)
from steno.records import FileInfo

from steno_objects.content import Content
from steno_objects.retries import again
from steno_objects.store import UNFINISHED, ObjectStore

_OWN_SCHEME = "fsspec+"
_WHOLE_AT_ONCE = frozenset({"gs", "gcs", "abfs", "abfss", "az", "memory"})
"""Where an object is seen only when all of it is there; elsewhere it is written beside its place, and renamed."""
_REMEDIES = {"gs": "'steno[gcs]'", "gcs": "'steno[gcs]'"} | dict.fromkeys(("abfs", "abfss", "az"), "'steno[azure]'")
_PIECE_BYTES = 1 << 20
_BLOCK_BYTES = 4 << 20
_DENIED = "check the credentials, and what they may do"


def fsspec_store(uri: str) -> ObjectStore:
    """Return the store of any address that fsspec reads. Raises: InvalidValue, MissingDependency."""
    return ObjectStore(shown(uri), FileSystemObjects(uri))


class FileSystemObjects:
    """`steno_objects.store.Objects` below one address.

    Args:
        uri: As fsspec reads it, after `fsspec+` where the scheme is one that steno does not know by itself.

    Raises:
        InvalidValue: fsspec knows no such scheme, or cannot read the address.
        MissingDependency: What serves it is not installed.
    """

    def __init__(self, uri: str) -> None:
        self._uri, plain = shown(uri), uri.removeprefix(_OWN_SCHEME)
        self._scheme = plain.partition("://")[0].lower()
        try:
            get_filesystem_class(self._scheme)
            self._fs, root = _opened(plain)
        except ImportError as error:
            missing = getattr(error.__cause__, "name", None) or error.name or f"what fsspec needs for {self._scheme}"
            raise MissingDependency(self._uri, _REMEDIES.get(self._scheme, missing)) from error
        except ValueError as error:
            if self._scheme in _REMEDIES and self._scheme not in available_protocols():
                raise MissingDependency(self._uri, _REMEDIES[self._scheme]) from error
            raise InvalidValue(f"{self._uri!r} cannot be read as an address of fsspec: {error}") from error
        except (OSError, RuntimeError) as error:
            raise self._told(error) from error
        self._root = root.rstrip("/")

    def write(self, key: str, content: Content, kind: str) -> None:
        path = self._path(key)

        def attempt(_: float | None) -> None:
            with self._translated():
                if self._scheme in _WHOLE_AT_ONCE:
                    self._send(path, content, kind)
                    return
                folder = posixpath.dirname(path)
                self._fs.makedirs(folder, exist_ok=True)
                unfinished = f"{folder}/{UNFINISHED}{uuid4().hex}"
                try:
                    self._send(unfinished, content, kind)
                    self._fs.mv(unfinished, path)
                except BaseException:
                    with contextlib.suppress(Exception):  # advice: what failed first is what is told
                        self._fs.rm_file(unfinished)
                    raise

        again(attempt)

    def read(self, key: str, into: BinaryIO) -> None:
        path = self._path(key)

        def attempt(_: float | None) -> None:
            into.seek(0)
            into.truncate()
            try:
                with self._translated(), self._fs.open(path, "rb", block_size=_BLOCK_BYTES) as file:
                    while piece := file.read(_PIECE_BYTES):
                        into.write(piece)
            except StoreError as error:
                if isinstance(error.__cause__, FileExistsError):  # what should be its folder is a file
                    raise NotFound(f"there is no such file in {self._uri}") from error
                raise

        again(attempt)

    def children(self, key: str) -> list[FileInfo]:
        folder = self._path(key)

        def attempt(_: float | None) -> list[dict[str, Any]]:
            with self._translated():
                try:
                    return list(self._fs.ls(folder, detail=True, refresh=True))
                except (FileNotFoundError, NotADirectoryError):
                    return []

        found = []
        for each in again(attempt):
            name = posixpath.basename(each["name"].rstrip("/"))
            if each["name"].strip("/") == folder.strip("/") or name.startswith(UNFINISHED):
                continue  # a file is listed as its own child, and a folder may be an object too
            is_dir = each["type"] == "directory"
            found.append(FileInfo(f"{key}/{name}" if key else name, is_dir, None if is_dir else each["size"]))
        return found

    def remove(self, key: str) -> None:
        path = self._path(key)

        def attempt(_: float | None) -> None:
            with self._translated(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._remove(path)

        again(attempt)

    def _remove(self, path: str) -> None:
        # Not `rm`: it takes a name with a star in it for a pattern, and would remove more than was asked.
        found = self._fs.find(path, withdirs=True, detail=True, refresh=True)
        for name, about in sorted(found.items(), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                self._fs.rmdir(name) if about["type"] == "directory" else self._fs.rm_file(name)
        if not found or path in found:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._fs.rm_file(path) if self._fs.isfile(path) else self._fs.rmdir(path)
        elif self._scheme not in _WHOLE_AT_ONCE or self._fs.isdir(path):
            with contextlib.suppress(FileNotFoundError):
                self._fs.rmdir(path)

    def _send(self, path: str, content: Content, kind: str) -> None:
        more = {"content_type": kind} if self._scheme in ("gs", "gcs") else {}
        if content.size_bytes <= _BLOCK_BYTES:
            self._fs.pipe_file(path, content.read(), **more)
            return
        with self._fs.open(path, "wb", block_size=_BLOCK_BYTES, **more) as file:
            for start in range(0, content.size_bytes, _PIECE_BYTES):
                file.write(content.read(start, _PIECE_BYTES))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root

    @contextlib.contextmanager
    def _translated(self) -> Any:
        try:
            yield
        except StenoError:
            raise
        except Exception as error:  # advice: of a library, whichever it is
            raise self._told(error) from error

    def _told(self, error: Exception) -> StenoError:
        """Return what happened; not in the library's words, which may hold credentials."""
        if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
            return NotFound(f"there is no such file in {self._uri}")
        status = getattr(error, "code", None) or getattr(error, "status", None) or getattr(error, "status_code", None)
        if isinstance(error, PermissionError) or status in (401, 403, "401", "403"):
            return StoreReadOnly(f"{self._uri} denies it: {_DENIED}")
        if isinstance(error, FileExistsError):
            return StoreError(f"{self._uri} refuses it: a folder has that name, or a file that of its folder")
        if isinstance(error, ValueError | TypeError | NotImplementedError):
            return StoreError(f"{self._uri} refuses it ({type(error).__name__}): {_DENIED}")
        return StoreUnavailable(
            f"{self._uri} did not do it ({type(error).__name__}): check the network and the address"
        )


def shown(uri: str) -> str:
    """Return an address without a login, to be shown."""
    scheme, separator, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    login, at, host = authority.rpartition("@")
    # In Azure's addresses a container stands before the @, which is no secret; a password comes after a colon.
    return f"{scheme}{separator}{login.partition(':')[0]}{at}{host}{slash}{path}"


def _opened(uri: str) -> tuple[AbstractFileSystem, str]:
    fs, root = url_to_fs(uri, use_listings_cache=False)
    return fs, root
