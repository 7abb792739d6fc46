"""Server-sent events: a page that shows runs while they go on hears what changed, without asking.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from steno.errors import InvalidValue
from steno.tracking import limits

from steno_server.listeners import Listeners
from steno_server.looking import Topic
from steno_server.service import Service
from steno_server.watching import Listener

CONTENT_TYPE = "text/event-stream"
SIGN_OF_LIFE_S = 15.0
STUCK_S = 60.0
"""How long someone may take nothing at all of what is sent."""

LONGEST_S = 3600.0
"""After so long a client asks anew, and what it may is judged anew."""


class Stream(Response):
    """What one listener hears, as it happens."""

    def __init__(self, listeners: Listeners, topic: Topic, listener: Listener) -> None:
        super().__init__(media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["Content-Length"]
        self._listeners, self._topic, self._listener = listeners, topic, listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(self._hear(receive))
        ends = time.monotonic() + LONGEST_S
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while time.monotonic() < ends and (content := await self._listener.take(SIGN_OF_LIFE_S)):
                async with asyncio.timeout(STUCK_S):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
        except TimeoutError:
            return  # without an end, which would not be taken either: then the connection is closed
        finally:
            gone.cancel()
            self._listeners.leave(self._topic, self._listener)
        await send({"type": "http.response.body", "body": b""})

    async def _hear(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.end()


async def get_events(service: Service, request: Request) -> Response:
    """Tell what changes in an experiment or a run, until the client leaves."""
    query = request.query_params
    run_id, experiment_id = query.get("run_id", ""), query.get("experiment_id", "")
    if bool(run_id) == bool(experiment_id):
        raise InvalidValue("give experiment_id or run_id: one of them")
    topic = Topic(experiment_id, limits.run_id(run_id) if run_id else "")
    listener = await service.listeners.join(topic, request.headers.get("last-event-id", ""))
    return Stream(service.listeners, topic, listener)
