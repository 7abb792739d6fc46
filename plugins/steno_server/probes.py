"""What probes and scrapers ask: whether the server answers, whether its store does, how much work there was."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from steno import __version__
from steno.asgi import meter
from steno.errors import StenoError

from steno_server.service import Service

READY_S = 2.0
"""How long the store may take to answer."""


async def health(service: Service, request: Request) -> Response:
    """Say that the server answers."""
    return PlainTextResponse("OK")


async def ready(service: Service, request: Request) -> Response:
    """Say whether the store answers too."""
    try:
        async with asyncio.timeout(READY_S):
            # Not given up with this request, so that a store that hangs holds one thread, however often it is asked.
            await asyncio.shield(service.probe())
    except TimeoutError:
        return PlainTextResponse(f"the store did not answer within {READY_S:.0f} s", 503)
    except StenoError as error:
        # The sentence may name files; strangers may ask this.
        return PlainTextResponse(f"the store cannot be used: {error.code}", 503)
    return PlainTextResponse("OK")


async def version(service: Service, request: Request) -> Response:
    """Tell the version."""
    return PlainTextResponse(__version__)


async def metrics(service: Service, request: Request) -> Response:
    """Tell what was counted since the process began."""
    return Response(service.meter.text(), headers={"Content-Type": meter.CONTENT_TYPE})


async def server_info(service: Service, request: Request) -> Response:
    """Tell MLflow's clients what they ask before they move large files."""
    return JSONResponse(
        {
            "store_type": "SqlStore",
            "steno": __version__,
            "workspaces_enabled": False,
            "multipart_uploads_enabled": False,
            "multipart_downloads_enabled": False,
        }
    )
