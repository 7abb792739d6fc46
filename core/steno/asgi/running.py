"""Runs an application in one process or several, until it is told to stop; uvicorn is what it runs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steno.asgi.listening import listening
from steno.errors import MissingDependency

_ALWAYS: dict[str, Any] = {
    "factory": True,
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "lifespan": "on",
    "timeout_keep_alive": 75,
    "limit_concurrency": 1000,
}


def run(
    application: Callable[[], Any],
    host: str,
    port: int,
    *,
    workers: int = 1,
    stop_s: int = 10,
    ssl_certfile: str = "",
    ssl_keyfile: str = "",
) -> None:
    """Serve until interrupted or terminated; what was begun by then is finished first.

    Args:
        application: Makes the application, in each process; it can be pickled.
        host, port: Where it listens.
        workers: How many processes.
        stop_s: How long requests that were begun have at the end.
        ssl_certfile, ssl_keyfile: For TLS.

    Raises:
        InvalidValue: The address cannot be listened on.
        MissingDependency: uvicorn is not installed.
    """
    try:
        import uvicorn
        from uvicorn.supervisors import Multiprocess

        from steno.asgi.gathering import Protocol
    except ImportError as error:
        raise MissingDependency("serving", "uvicorn") from error
    config = uvicorn.Config(
        application,
        http=Protocol,
        host=host,
        port=port,
        workers=workers,
        timeout_graceful_shutdown=stop_s,
        ssl_certfile=ssl_certfile or None,
        ssl_keyfile=ssl_keyfile or None,
        **_ALWAYS,
    )
    with listening(host, port) as place:
        if workers > 1:
            Multiprocess(config, sockets=[place]).run()
        else:
            uvicorn.Server(config).run(sockets=[place])
