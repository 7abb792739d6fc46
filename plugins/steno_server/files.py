"""The calls whose bodies are files: artifacts listed, sent, taken in, deleted."""

from __future__ import annotations

import mimetypes
import os
import posixpath
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from steno.errors import InvalidValue, NotFound, StoreError
from steno.tracking import limits
from steno.wire import messages as m
from steno.wire import outward

from steno_server import asking
from steno_server.artifacts import safe_key
from steno_server.service import Service

Handler = Callable[[Service, Request], Awaitable[Response]]

UNFINISHED = ".steno-"
"""Begins the names of files that are still being sent; the store shows none of them."""

UPLOAD_BYTES = 10 * 2**20
_PIECE_BYTES = 1 << 18
_TEXT_SUFFIXES = frozenset(
    """
.txt .log .err .cfg .conf .cnf .cf .ini .properties .prop .hocon .toml .yaml .yml .xml .json .js .py .py3 .csv .tsv
.md .rst .ipynb
""".split()
)
_TEXT_NAMES = frozenset({"mlmodel", "mlproject"})
# A file comes from whoever recorded it: a browser that opens one runs nothing of it in the server's name.
_INERT = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"}


def list_of_run(service: Service, ask: m.ListArtifacts) -> m.FilesAnswer:
    """List a folder among a run's artifacts; nothing for what is no folder."""
    return service.artifacts.listed(service.store.get_run(asking.run_id(ask)).info.artifact_uri, ask.path or "")


def list_proxied(service: Service, ask: m.ListProxied) -> m.FilesAnswer:
    """List a folder below `mlflow-artifacts:/`; paths are relative to that folder."""
    key = proxied(service, ask.path or "")
    found = service.artifacts.store.list(key)
    return m.FilesAnswer(files=outward.files(found, f"{key}/" if key else ""))


async def get_of_run(service: Service, request: Request) -> Response:
    """Send a file of a run as an attachment."""
    query = request.query_params
    run_id, path = query.get("run_id") or query.get("run_uuid"), query.get("path")
    if not run_id or not path:
        raise InvalidValue("missing value for required parameter 'run_id' or 'path'")

    def key() -> str:
        return service.artifacts.key(service.store.get_run(limits.run_id(run_id)).info.artifact_uri, path)

    return await _sent(service, request, await to_thread.run_sync(key))


async def get_of_version(service: Service, request: Request) -> Response:
    """Send a file of a version of a registered model as an attachment."""
    name, number, path = (request.query_params.get(each) for each in ("name", "version", "path"))
    if not name or not number or not path:
        raise InvalidValue("missing value for required parameter 'name', 'version' or 'path'")

    def key() -> str:
        return service.artifacts.key(service.client.get_model_version_download_uri(name, number), path)

    return await _sent(service, request, await to_thread.run_sync(key))


async def get_of_logged_model(service: Service, request: Request) -> Response:
    """Send a file of a logged model as an attachment."""
    path = request.query_params.get("artifact_file_path")
    if not path:
        raise InvalidValue("missing value for required parameter 'artifact_file_path'")

    def key() -> str:
        model = service.client.get_logged_model(request.path_params["model_id"])
        return service.artifacts.key(model.artifact_location, path)

    return await _sent(service, request, await to_thread.run_sync(key))


async def download(service: Service, request: Request) -> Response:
    """Send a file below `mlflow-artifacts:/`."""
    return await _sent(service, request, proxied(service, request.path_params["path"], allow_root=False))


async def put(service: Service, request: Request) -> Response:
    """Take in a file below `mlflow-artifacts:/`; readers see the old one or the new one, whole."""
    await _taken_in(service, proxied(service, request.path_params["path"], allow_root=False), request, None)
    return JSONResponse({})


async def delete(service: Service, request: Request) -> Response:
    """Remove a file or folder below `mlflow-artifacts:/`; nothing there is no error."""
    key = proxied(service, request.path_params["path"], allow_root=False)
    await to_thread.run_sync(service.artifacts.store.delete, key)
    return JSONResponse({})


async def upload(service: Service, request: Request) -> Response:
    """Take in a small file of a run, as MLflow's page sends it."""
    query = request.query_params
    run_id, path = query.get("run_uuid") or query.get("run_id"), query.get("path")
    if not run_id or not path:
        raise InvalidValue("missing value for required parameter 'run_uuid' or 'path'")

    def key() -> str:
        uri = service.store.get_run(limits.run_id(run_id)).info.artifact_uri
        return service.artifacts.key(uri, safe_key(path))

    await _taken_in(service, await to_thread.run_sync(key), request, UPLOAD_BYTES)
    return Response()


def content_type(path: str) -> str:
    """Return how a file is announced: text that people read as text, whatever else the name says."""
    name = posixpath.basename(path).lower()
    if name in _TEXT_NAMES or posixpath.splitext(name)[1] in _TEXT_SUFFIXES:
        return "text/plain"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def proxied(service: Service, path: str, *, allow_root: bool = True) -> str:
    """Return the key of a path below `mlflow-artifacts:/`. Raises: UnsafePath, InvalidValue if none is served."""
    service.artifacts.require_served()
    return safe_key(path, allow_root=allow_root)


async def _sent(service: Service, request: Request, key: str) -> Response:
    """Send a file, a part of it, or word that the one the client has is still it."""
    place = service.artifacts.store.local_path(key)
    if place is None:
        return await _handed_on(service, key)
    try:
        found = await to_thread.run_sync(place.stat)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"there is no artifact {key!r}") from None
    if not stat.S_ISREG(found.st_mode):
        raise InvalidValue(f"{key!r} is a folder; ask for a file in it")
    headers = {**_INERT, "ETag": _entity_tag(found), "Cache-Control": "private, no-cache"}
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        place, headers=headers, media_type=content_type(key), filename=posixpath.basename(key), stat_result=found
    )


async def _handed_on(service: Service, key: str) -> Response:
    """Send a file that lies elsewhere. Raises: NotFound."""
    file = await to_thread.run_sync(service.artifacts.store.open, key)
    size_bytes = await to_thread.run_sync(file.seek, 0, os.SEEK_END)
    file.seek(0)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while piece := await to_thread.run_sync(file.read, _PIECE_BYTES):
                yield piece
        finally:
            file.close()

    name = quote(posixpath.basename(key))
    about = {"Content-Length": str(size_bytes), "Content-Disposition": f"attachment; filename*=utf-8''{name}"}
    headers = {**_INERT, **about, "Cache-Control": "private, no-cache"}
    return StreamingResponse(pieces(), headers=headers, media_type=content_type(key))


def _entity_tag(found: os.stat_result) -> str:
    """Tell a file from any other that was ever in its place: each is put there whole, as a file of its own."""
    return f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'


def _has(request: Request, tag: str) -> bool:
    """Whether the client said that it has the file already."""
    said = [each.strip().removeprefix("W/") for each in ",".join(request.headers.getlist("if-none-match")).split(",")]
    return tag in said or "*" in said


def put_file(service: Service, key: str, file: Path) -> None:
    """Move a file to its place. Raises: InvalidValue, StoreError."""
    try:
        service.artifacts.store.put(key, file, move=True)
    except StoreError as error:
        place = service.artifacts.store.local_path(key)
        if place and (place.is_dir() or any(each.is_file() for each in place.parents)):
            raise InvalidValue(
                f"no file can be {key!r}: a folder has that name, or a file that of its folder"
            ) from error
        raise


async def _taken_in(service: Service, key: str, request: Request, most: int | None) -> None:
    """Write the body to a file beside its place, then put it there. Raises: InvalidValue if it is too long."""
    root = service.artifacts.unfinished

    def begin() -> tuple[int, str]:
        root.mkdir(parents=True, exist_ok=True)
        return tempfile.mkstemp(prefix=UNFINISHED, dir=root)

    descriptor, name = await to_thread.run_sync(begin)
    try:
        with os.fdopen(descriptor, "wb") as file:
            length = 0
            async for piece in request.stream():
                length += len(piece)
                if most is not None and length > most:
                    raise InvalidValue(f"a file sent here has at most {most} bytes")
                await to_thread.run_sync(file.write, piece)
        await to_thread.run_sync(put_file, service, key, Path(name))
    finally:
        Path(name).unlink(missing_ok=True)
