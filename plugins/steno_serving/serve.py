"""Runs the application in one process or several, until it is told to stop."""

from __future__ import annotations

from functools import partial

import uvicorn
from steno.asgi.listening import listening
from uvicorn.supervisors import Multiprocess

from steno_serving.app import build
from steno_serving.options import Options

KEEP_ALIVE_S = 75
MOST_AT_ONCE = 1000


def serve(options: Options) -> None:
    """Serve until interrupted or terminated; what is being predicted then is answered first.

    Raises:
        InvalidValue: The address cannot be listened on.
    """
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
        timeout_graceful_shutdown=int(options.timeout_s) + 1,
    )
    with listening(options.host, options.port) as place:
        if options.workers > 1:
            Multiprocess(config, sockets=[place]).run()
        else:
            uvicorn.Server(config).run(sockets=[place])
