"""Files on a server: those that it keeps for its runs, and any other that can be fetched."""

from __future__ import annotations

import io
import mimetypes
import tempfile
from pathlib import Path
from typing import IO, BinaryIO, cast
from urllib.parse import quote

from steno.contracts.paths import artifact_key
from steno.errors import InvalidValue, NotFound, StoreError
from steno.records import FileInfo
from steno.tracking import logins, places
from steno.wire import inward
from steno.wire.messages import FilesAnswer

from steno_http import address
from steno_http.server import server_at
from steno_http.transport import NoSuchAddress

_IN_MEMORY_BYTES = 1 << 20
_SOME = "application/octet-stream"


class HttpArtifacts:
    """A `steno.contracts.stores.ArtifactStore`; see there for what each method promises.

    A file is fetched whole before it is handed over, so that half an answer is an error and not half a file.

    Args:
        uri: Below `.../api/2.0/mlflow-artifacts/artifacts` of a server; or any other address, which can only be read,
            and not listed.
    """

    def __init__(self, uri: str) -> None:
        self.uri = address.hidden(uri)
        base, proxied, root = uri.partition(address.PROXY)
        self._is_proxied = bool(proxied)
        if not proxied:
            base, _, root = _origin(uri)
        self._server = server_at(base)
        self._root = root.strip("/")

    def put(self, key: str, source: Path | bytes, *, move: bool = False) -> None:
        path = self._path(artifact_key(key))
        if not self._is_proxied:
            raise StoreError(f"{self.uri} can only be read: it is not below {address.PROXY} of a tracking server")
        with _opened(source, key) as body:
            size = body.seek(0, io.SEEK_END)
            body.seek(0)
            kind = mimetypes.guess_type(key)[0] or _SOME
            headers = {"Content-Length": str(size), "Content-Type": kind}
            self._server.transport.send("PUT", path, body=body, headers=headers)
        if move and isinstance(source, Path):
            source.unlink()

    def open(self, key: str) -> BinaryIO:
        path = self._path(artifact_key(key))
        content = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115
        try:
            self._server.transport.send("GET", path, into=content)
        except BaseException as error:
            content.close()
            # A folder is said to be invalid; a server of files alone does not speak MLflow's words.
            if isinstance(error, NotFound | InvalidValue) or (
                isinstance(error, NoSuchAddress) and not self._is_proxied
            ):
                raise NotFound(f"there is no artifact {key!r} in {self.uri}") from error
            raise
        content.seek(0)
        return content

    def list(self, key: str = "") -> list[FileInfo]:
        inside = artifact_key(key, allow_root=True)
        if not self._is_proxied:
            raise StoreError(f"{self.uri} cannot be listed: it is not below {address.PROXY} of a tracking server")
        query = [("path", "/".join(part for part in (self._root, inside) if part))]
        answer = self._server.transport.send("GET", address.PROXY, query=query, repeatable=True)
        found = inward.files(
            self._server.read(answer.content, FilesAnswer, address.PROXY).files, f"{inside}/" if inside else ""
        )
        return sorted(found, key=lambda info: info.path)

    def delete(self, key: str = "") -> None:
        path = self._path(artifact_key(key, allow_root=True))
        if not self._is_proxied:
            raise StoreError(f"{self.uri} can only be read: it is not below {address.PROXY} of a tracking server")
        self._server.transport.send("DELETE", path)

    def local_path(self, key: str = "") -> Path | None:
        artifact_key(key, allow_root=True)
        return None

    def _path(self, key: str) -> str:
        whole = "/".join(part for part in (self._root, key) if part)
        return f"{address.PROXY if self._is_proxied else ''}/{quote(whole)}"


def proxied_artifacts(uri: str) -> HttpArtifacts:
    """Return the artifacts of an `mlflow-artifacts:` address. Raises: InvalidValue."""
    return HttpArtifacts(logins.restored(address.proxy_of(uri, places.get_tracking_uri())))


def _origin(uri: str) -> tuple[str, str, str]:
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash, path


def _opened(source: Path | bytes, key: str) -> IO[bytes]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return source.open("rb")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound(f"there is no file {source} to store as {key!r}") from error
