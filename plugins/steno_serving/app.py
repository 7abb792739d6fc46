"""One model as an ASGI application: MLflow's scoring protocol and the Open Inference Protocol on one port."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import msgspec
from steno import __version__
from steno.asgi.guard import Guard
from steno.asgi.messages import Gone, Headers, Receive, Scope, Send, TooLong, TooSlow, body_of, header, respond
from steno.asgi.meter import CONTENT_TYPE, OTHER, Meter
from steno.errors import InvalidValue, SchemaMismatch, StenoError
from steno.wire.failures import Failure

from steno_serving import bodies, inference_calls
from steno_serving.bodies import UnknownContent
from steno_serving.openapi import described
from steno_serving.options import Options
from steno_serving.scorer import PredictionTimeout, Scorer

Answer = tuple[int, bytes, Headers]
Handler = Callable[[Scope, Receive], Awaitable[Answer]]

_NOSNIFF = (b"x-content-type-options", b"nosniff")
JSON: Headers = [(b"content-type", b"application/json"), _NOSNIFF]
TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), _NOSNIFF]
INVOCATIONS = "/invocations"


class Serving:
    """Answers what is asked of one model.

    Args:
        options: What the process was told; the model is loaded as the application starts.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._guard = Guard(options.host, options.allowed_hosts)
        self._scorer: Scorer | None = None
        self._meter = Meter(
            options.workers, "steno_serving", {"steno_serving_model_seconds_total": "Spent by the model."}
        )
        calls = inference_calls.Calls(lambda: self.scorer)
        self._routes: dict[str, dict[str, Handler]] = {
            INVOCATIONS: {"POST": self._invocations},
            "/ping": {"GET": self._alive},
            "/health": {"GET": self._alive},
            "/version": {"GET": self._version},
            "/metrics": {"GET": self._metrics},
            "/openapi.json": {"GET": self._openapi},
            **calls.routes(options.name, options.version),
        }

    @property
    def scorer(self) -> Scorer:
        """The model at work."""
        assert self._scorer is not None, "requests come after the start"
        return self._scorer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":  # a web socket is not accepted by no answer
            return
        began = time.perf_counter()
        methods = self._routes.get(scope["path"])
        try:
            status, body, headers = await self._answer(methods, scope, receive)
        except Gone:
            return
        await respond(send, status, body, headers)
        route = scope["path"] if methods is not None else OTHER
        self._meter.answered(route, scope["method"] if methods else "", status, time.perf_counter() - began)

    async def _answer(self, methods: dict[str, Handler] | None, scope: Scope, receive: Receive) -> Answer:
        objection = self._guard.objection(scope["headers"])
        if objection:
            return 403, objection.encode(), TEXT
        if methods is None:
            return 404, b"there is nothing here; " + INVOCATIONS.encode() + b" takes requests for predictions", TEXT
        handler = methods.get(scope["method"])
        if handler is None:
            allowed = ", ".join(methods)
            return 405, f"this is asked with {allowed}".encode(), [*TEXT, (b"allow", allowed.encode())]
        return await handler(scope, receive)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self._scorer = Scorer(self._options)
                except StenoError as error:
                    await send({"type": "lifespan.startup.failed", "message": error.message})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                self.scorer.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _invocations(self, scope: Scope, receive: Receive) -> Answer:
        try:
            kind = bodies.media_type(header(scope["headers"], b"content-type") or "")
            body = await body_of(receive, self._options.max_body_bytes)
            return 200, await self.scorer.score(kind, body), JSON
        except (UnknownContent, PredictionTimeout, TooLong, TooSlow) as error:
            return STATUSES[type(error)], error.message.encode(), TEXT
        except StenoError as error:
            return 400, msgspec.json.encode(Failure(_code(error), error.message)), JSON

    async def _alive(self, scope: Scope, receive: Receive) -> Answer:
        return 200, b"\n", JSON

    async def _version(self, scope: Scope, receive: Receive) -> Answer:
        return 200, __version__.encode(), JSON

    async def _metrics(self, scope: Scope, receive: Receive) -> Answer:
        self._meter.set("steno_serving_model_seconds_total", self.scorer.busy_s)
        return 200, self._meter.text().encode(), [(b"content-type", CONTENT_TYPE.encode())]

    async def _openapi(self, scope: Scope, receive: Receive) -> Answer:
        return 200, msgspec.json.encode(described(self.scorer)), JSON


STATUSES: dict[type[StenoError], int] = {UnknownContent: 415, PredictionTimeout: 504, TooLong: 413, TooSlow: 408}


def _code(error: StenoError) -> str:
    """MLflow's code: what the schema refuses is an invalid value, all else a bad request."""
    return InvalidValue.code if isinstance(error, SchemaMismatch) else "BAD_REQUEST"


def build(options: Options) -> Serving:
    """Return the application of one process."""
    return Serving(options)
