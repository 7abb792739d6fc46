"""Large files that come in parts, each of which can be sent again: begun, taken in, put together, given up.

An upload is a folder beside the artifacts that no listing shows. It lies on the disk alone, so any worker of the server
takes any part of it, and a server that was started anew goes on with it.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from steno.errors import InvalidValue, NotFound
from steno.wire import coding
from steno.wire.messages import Message

from steno_server import files
from steno_server.service import Service

STEPS = "/mlflow-artifacts/mpu/"
MOST_PARTS = 10_000
GIVEN_UP_S = 7 * 24 * 3600
"""An upload to which nothing comes for so long is removed."""

_PREFIX = f"{files.UNFINISHED}parts-"
_KEY, _DONE = "key", "done"
_ID = re.compile(r"[0-9a-f]{32}")


class Begin(Message):
    """A file's name and in how many parts it comes."""

    path: str | None = None
    num_parts: int | None = None


class Part(Message):
    """A part that was sent, with the tag that it was answered with."""

    part_number: int
    etag: str


class End(Message):
    """Which upload is to be put together or given up."""

    upload_id: str | None = None
    parts: list[Part] | None = None


async def create(service: Service, request: Request) -> Response:
    """Begin an upload; tell where each part goes."""
    ask = coding.decode(await _body(service, request), Begin)
    name, count = posixpath.basename(ask.path or ""), ask.num_parts or 0
    if not name or not 1 <= count <= MOST_PARTS:
        raise InvalidValue(f"'path' is the file's name, and 'num_parts' is between 1 and {MOST_PARTS}")
    key = files.proxied(service, posixpath.join(request.path_params["path"], name), allow_root=False)
    upload_id = secrets.token_hex(16)

    def begin() -> None:
        service.artifacts.store.local_path(key)  # a name that the store keeps for itself is refused now
        root = service.artifacts.unfinished
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        folder = root / f"{_PREFIX}{upload_id}"
        folder.mkdir()
        (folder / _KEY).write_text(key, "utf-8")

    await to_thread.run_sync(begin)
    # The client sends parts by a plain request: what it was let in by comes along.
    headers = {"Authorization": sent} if (sent := request.headers.get("authorization")) else {}
    place = f"{_base(request)}{STEPS}part/{upload_id}/"
    credentials = [{"url": f"{place}{n}", "part_number": n, "headers": headers} for n in range(1, count + 1)]
    return JSONResponse({"upload_id": upload_id, "credentials": credentials})


async def part(service: Service, request: Request) -> Response:
    """Take in a part; one that is sent again takes the place of the first."""
    upload_id, _, number = request.path_params["path"].partition("/")
    folder = _folder(service, upload_id)
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number) <= MOST_PARTS:
        raise InvalidValue(f"the parts of an upload are numbered from 1 to {MOST_PARTS}")
    descriptor, name = await to_thread.run_sync(lambda: tempfile.mkstemp(dir=folder))
    try:
        digest = hashlib.md5(usedforsecurity=False)
        with os.fdopen(descriptor, "wb") as file:
            async for piece in request.stream():
                digest.update(piece)
                await to_thread.run_sync(file.write, piece)
        tag = digest.hexdigest()
        await to_thread.run_sync(os.replace, name, folder / _part(int(number), tag))
    finally:
        Path(name).unlink(missing_ok=True)
    return Response(headers={"ETag": f'"{tag}"'})


async def complete(service: Service, request: Request) -> Response:
    """Put the parts together; readers see the whole file or none of it. Once more changes nothing."""
    ask = coding.decode(await _body(service, request), End)
    folder = _folder(service, ask.upload_id or "")
    await to_thread.run_sync(_complete, service, folder, ask.parts or [])
    return JSONResponse({})


async def abort(service: Service, request: Request) -> Response:
    """Give an upload up."""
    ask = coding.decode(await _body(service, request), End)
    await to_thread.run_sync(lambda: shutil.rmtree(_folder(service, ask.upload_id or ""), ignore_errors=True))
    return JSONResponse({})


def _complete(service: Service, folder: Path, parts: list[Part]) -> None:
    if (folder / _DONE).exists():
        return
    places = [folder / _part(each.part_number, each.etag.strip('"')) for each in parts]
    missing = [str(each.part_number) for each, place in zip(parts, places, strict=True) if not place.is_file()]
    if missing or [each.part_number for each in parts] != list(range(1, len(parts) + 1)) or not parts:
        what = f"part {', '.join(missing)} is not here as it is named" if missing else "parts are named from 1 on"
        raise InvalidValue(f"the upload cannot be put together: {what}; send what is missing and ask again")
    whole = folder / "whole"
    with whole.open("wb") as file:
        for place in places:
            with place.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
    files.put_file(service, (folder / _KEY).read_text("utf-8"), whole)
    (folder / _DONE).touch()
    for place in folder.iterdir():
        if place.name not in (_DONE, _KEY):
            place.unlink()


async def _body(service: Service, request: Request) -> bytes:
    files.proxied(service, request.path_params["path"])
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > service.options.max_body_bytes:
            raise InvalidValue(f"the body has more than {service.options.max_body_bytes} bytes")
    return bytes(content)


def _folder(service: Service, upload_id: str) -> Path:
    service.artifacts.require_served()
    folder = service.artifacts.unfinished / f"{_PREFIX}{upload_id}"
    if not _ID.fullmatch(upload_id) or not folder.is_dir():
        raise NotFound(f"there is no upload {upload_id[:64]!r}: it was given up, or never begun")
    return folder


def _part(number: int, tag: str) -> str:
    return f"{number:05d}-{re.sub('[^0-9a-f]', '-', tag[:64])}"


def _base(request: Request) -> str:
    """Return what comes before the path of these calls, as the client has it: before a proxy too."""
    said = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip()
    scheme = said if said in ("http", "https") else request.url.scheme
    return f"{scheme}://{request.url.netloc}{request.url.path.partition(STEPS)[0]}"


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > GIVEN_UP_S:
            shutil.rmtree(folder, ignore_errors=True)
