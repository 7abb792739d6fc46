"""Bodies that arrive within bounds, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from steno.errors import InvalidValue

BODY_S = 30.0
"""How long the body of a message may take to arrive."""

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Gone(Exception):
    """Who asked has closed the connection."""


class TooLong(InvalidValue):
    """A body is longer than it may be."""


class TooSlow(InvalidValue):
    """A body did not arrive in time."""


async def body_of(receive: Receive, most: int) -> bytes:
    """Read a body whole. Raises: TooLong, TooSlow, Gone."""
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while (message := await receive())["type"] == "http.request":
                content += message.get("body", b"")
                if len(content) > most:
                    raise TooLong(f"the body has more than {most} bytes: send several requests")
                if not message.get("more_body"):
                    return bytes(content)
    except TimeoutError as error:
        raise TooSlow(f"the body did not arrive within {BODY_S:.0f} s") from error
    raise Gone


async def respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first header of a name, None if there is none."""
    return next((value.decode("latin-1") for each, value in headers if each == name), None)
