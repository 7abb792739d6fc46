"""The server as an ASGI application: guarded, one look into the table, one handler."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from steno.asgi.guard import Guard
from steno.asgi.messages import Gone, Headers, body_of, respond
from steno.asgi.meter import OTHER
from steno.contracts import patience
from steno.errors import InvalidValue, StenoError, StoreUnavailable
from steno.wire import calls, coding
from steno.wire.failures import failure_of

from steno_server.access import Access, Policy, permit
from steno_server.options import Options
from steno_server.prefix import Prefixed
from steno_server.routes import FILE_ROUTES, ROUTES, FileRoute, Route
from steno_server.service import Service

logger = logging.getLogger("steno.server")

THREADS = 8
"""How many requests that read, and may take long, are answered at a time."""

MOMENT_S = 0.02
"""How long the event loop may wait for others who write to the store."""

COMPRESSED_BYTES = 32 * 1024
"""From which length on an answer is compressed, where the client takes that."""

_JSON: Headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
_MSGPACK: Headers = [(b"content-type", b"application/msgpack"), *_JSON[1:]]
_PACKED: Headers = [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
_GZIP = b"\x1f\x8b"
Encode = Callable[[Any], bytes]


class _How(NamedTuple):
    """How an answer is written, and the headers that say so, also if it is compressed."""

    encode: Encode
    plain: Headers
    packed: Headers


_HOW = {False: _How(coding.encode, _JSON, [*_JSON, *_PACKED]), True: _How(coding.pack, _MSGPACK, [*_MSGPACK, *_PACKED])}
_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]


def build(options: Options) -> ASGIApp:
    """Return the application of one server process; its stores are opened as it starts."""
    service = Service(options)
    others = Starlette(routes=[_starlette_route(service, each) for each in FILE_ROUTES], lifespan=_lifespan(service))
    app: ASGIApp = Wire(service, others)
    if options.static_prefix:
        app = Prefixed(app, options.static_prefix, _PROBES)
    if options.allowed_origins:
        origins = [each.rstrip("/") for each in options.allowed_origins]
        app = CORSMiddleware(
            app, allow_origins=origins, allow_methods=["*"], allow_headers=["Authorization", "Content-Type"]
        )
    return app


class Wire:
    """Answers the routes of the table itself, and hands all others on."""

    def __init__(self, service: Service, others: ASGIApp) -> None:
        self._service = service
        self._others = others
        self._guard = Guard(service.options.host, service.options.allowed_hosts, service.options.allowed_origins)
        self._access = Access(service.options)
        self._threads = ThreadPoolExecutor(THREADS, "steno-server")
        self._stalled = 0  # how many writes are with a thread: while one waits there, others would wait here
        self._table: dict[str, dict[str, Route]] = {}
        for route in ROUTES:
            for prefix in route.call.prefixes:
                methods = self._table.setdefault(prefix + route.call.path, {})
                methods.update(dict.fromkeys(route.call.methods, route))
        self._patterns = [(_pattern(path), methods) for path, methods in self._table.items() if "{" in path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        began, told = time.perf_counter(), _Told(send)
        try:
            await self._routed(scope, receive, told)
        finally:
            if told.status:
                route = scope.get(ROUTE, OTHER)
                method = scope["method"] if route != OTHER else ""
                self._service.meter.answered(route, method, told.status, time.perf_counter() - began)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        objection = "" if path in _PROBES else self._guard.objection(scope["headers"])
        if objection:
            await respond(send, 403, objection.encode(), _TEXT)
            return
        granted = await self._access.of(scope["headers"])
        if granted is Policy.OPEN and path not in _PROBES:
            # Also on paths that lead nowhere, so that strangers learn no path.
            status, failure = failure_of(self._access.stranger)
            how = (b"www-authenticate", self._access.challenge.encode())
            await respond(send, status, coding.encode(failure), [*_JSON, how])
            return
        methods, words = self._found(scope)
        if methods is None:
            scope[GRANTED] = granted
            await self._others(scope, receive, send)
        elif method not in methods:
            allow = (b"allow", ", ".join(methods).encode())
            await respond(send, 405, f"{path} is asked with {', '.join(methods)}".encode(), [*_TEXT, allow])
        else:
            await self._answer(methods[method], granted, words, scope, receive, send)

    def _found(self, scope: Scope) -> tuple[dict[str, Route] | None, dict[str, str]]:
        """The routes of a path by method, and the words that stand in it."""
        methods = self._table.get(scope["path"])
        if methods is None and calls.LOGGED_MODELS in scope["path"]:
            # As it was sent: a word may hold an encoded slash.
            path = scope["raw_path"].decode("latin-1")
            for pattern, found in self._patterns:
                if match := pattern.fullmatch(path):
                    return found, {name: unquote(word) for name, word in match.groupdict().items()}
        return methods, {}

    async def _answer(
        self, route: Route, granted: Policy, words: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers, scope[ROUTE] = _JSON, route.call.path
        try:
            permit(route.policy, granted, self._service.options)
            ask = await self._ask(route, scope, receive)
            for name, word in words.items():
                setattr(ask, name, word)
            how = _HOW[_takes_msgpack(scope["headers"])] if route.apart else _HOW[False]
            body = await self._handled(route, ask, how.encode, _takes_gzip(scope["headers"]))
            headers = how.packed if body.startswith(_GZIP) else how.plain
            status = 200
        except StenoError as error:
            status, failure = failure_of(error)
            body = coding.encode(failure)
        except Gone:
            return
        await respond(send, status, body, headers)

    async def _handled(self, route: Route, ask: Any, encode: Encode, packed: bool) -> bytes:
        """Answer here if that takes but a moment, else in a thread: nobody's lock stops the event loop."""
        writes = route.policy is Policy.WRITE
        if self._service.at_hand and not route.apart and not (writes and self._stalled):
            try:
                with patience.at_most(MOMENT_S):
                    return self._done(route, ask, encode)
            except StoreUnavailable as error:
                logger.debug("%s is answered in a thread: %s", route.call.path, error)
        threads = self._service.writers if writes else self._threads
        self._stalled += writes
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, self._done, route, ask, encode, packed)
        finally:
            self._stalled -= writes

    def _done(self, route: Route, ask: Any, encode: Encode, packed: bool = False) -> bytes:
        """Return what is answered, a long body compressed if it may be."""
        body = encode(route.handler(self._service, ask))
        return gzip.compress(body, 1) if packed and len(body) > COMPRESSED_BYTES else body

    async def _ask(self, route: Route, scope: Scope, receive: Receive) -> Any:
        """Read what is asked. Raises: InvalidValue, Gone."""
        method = scope["method"]
        if method == "GET":
            return coding.decode_query(_query(scope), route.call.asks)
        body = await body_of(receive, self._service.options.max_body_bytes)
        if method == "DELETE" and not body:
            return coding.decode_query(_query(scope), route.call.asks)
        if method == "POST" and not _is_json(scope["headers"]):
            raise InvalidValue("the body is JSON: send the header Content-Type: application/json")
        return coding.decode(body, route.call.asks)


_PROBES = frozenset(route.path for route in FILE_ROUTES if route.policy is Policy.OPEN)
GRANTED = "steno.granted"
"""Where a scope tells what who asks may."""
ROUTE = "steno.route"
"""Where a scope tells the path of the route that was found."""


class _Told:
    """Passes an answer on, and remembers its status."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def _pattern(path: str) -> re.Pattern[str]:
    """What the paths of a route look like; a tag's key may hold slashes, which MLflow's client does not encode."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(pattern.replace("(?P<key>[^/]+)", "(?P<key>.+)"))


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"the query is not UTF-8: {error}") from error


def _takes_gzip(headers: Headers) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in headers)


def _takes_msgpack(headers: Headers) -> bool:
    return any(name == b"accept" and b"application/msgpack" in value for name, value in headers)


def _is_json(headers: Headers) -> bool:
    return any(
        name == b"content-type" and value.partition(b";")[0].strip().lower() == b"application/json"
        for name, value in headers
    )


def _starlette_route(service: Service, route: FileRoute) -> StarletteRoute:
    async def endpoint(request: Request) -> Response:
        request.scope[ROUTE] = route.path
        try:
            permit(route.policy, request.scope[GRANTED], service.options)
            response = await route.handler(service, request)
        except StenoError as error:
            status, failure = failure_of(error)
            response = Response(coding.encode(failure), status, media_type="application/json")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    return StarletteRoute(route.path, endpoint, methods=[route.method])


def _lifespan(service: Service) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        service.open()
        gc.collect()
        gc.freeze()  # modules stay as they are: looking through them takes longer than to answer a search
        yield {}
        service.close()

    return lifespan
