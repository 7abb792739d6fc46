"""Runs the server, once it is known that its stores can be used."""

from __future__ import annotations

from functools import partial

from steno.asgi.running import run

from steno_server.app import build
from steno_server.options import Options
from steno_server.service import Service


def serve(options: Options) -> None:
    """Serve until interrupted or terminated.

    Raises:
        InvalidValue: The address cannot be listened on, or the artifacts cannot be served.
        StoreError: The store cannot be used.
    """
    service = Service(options)  # what is wrong is told here in a sentence, and workers find the store made
    service.open()
    service.close()
    run(
        partial(build, options),
        options.host,
        options.port,
        workers=options.workers,
        ssl_certfile=options.ssl_certfile,
        ssl_keyfile=options.ssl_keyfile,
    )
