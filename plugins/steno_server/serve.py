"""Runs the application in one process or several, until it is told to stop."""

from __future__ import annotations

from functools import partial

import uvicorn
from steno.asgi.listening import listening
from uvicorn.supervisors import Multiprocess

from steno_server.app import build
from steno_server.options import Options
from steno_server.service import Service

KEEP_ALIVE_S = 75
MOST_AT_ONCE = 1000
STOP_S = 10


def serve(options: Options) -> None:
    """Serve until interrupted or terminated.

    Raises:
        InvalidValue: The address cannot be listened on, or the artifacts cannot be served.
        StoreError: The store cannot be used.
    """
    service = Service(options)  # what is wrong is told here in a sentence, and workers find the store made
    service.open()
    service.close()
    config = uvicorn.Config(
        partial(build, options),
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_S,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=options.ssl_certfile or None,
        ssl_keyfile=options.ssl_keyfile or None,
    )
    with listening(options.host, options.port) as place:
        if options.workers > 1:
            Multiprocess(config, sockets=[place]).run()
        else:
            uvicorn.Server(config).run(sockets=[place])
