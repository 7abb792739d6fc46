"""Runs the application in one process or several, until it is told to stop."""

from __future__ import annotations

import socket
from functools import partial

import uvicorn
from steno.errors import InvalidValue
from uvicorn.supervisors import Multiprocess

from steno_server.app import build
from steno_server.options import Options
from steno_server.service import Service

KEEP_ALIVE_S = 75
MOST_AT_ONCE = 1000
STOP_S = 10
BACKLOG = 2048


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
    )
    with listening(options.host, options.port) as place:
        if options.workers > 1:
            Multiprocess(config, sockets=[place]).run()
        else:
            uvicorn.Server(config).run(sockets=[place])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises: InvalidValue."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        raise InvalidValue(
            f"cannot listen on {host}:{port} ({error.strerror or error}): choose another --port"
        ) from error
    found.set_inheritable(True)
    return found
