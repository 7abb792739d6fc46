"""The server as an ASGI application: guarded, one look into the table, one handler."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from steno.errors import InvalidValue, StenoError
from steno.wire import calls, coding
from steno.wire.failures import failure_of

from steno_server.guard import Guard
from steno_server.options import Options
from steno_server.routes import FILE_ROUTES, ROUTES, FileRoute, Policy, Route
from steno_server.service import Service

logger = logging.getLogger("steno.server")

BODY_S = 30.0
"""How long the body of a message may take to arrive."""

THREADS = 8
"""How many requests that may take long are answered at a time."""

COMPRESSED_BYTES = 32 * 1024
"""From which length on an answer is compressed, where the client takes that."""

Headers = list[tuple[bytes, bytes]]
_JSON: Headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
_PACKED_JSON: Headers = [*_JSON, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
_GZIP = b"\x1f\x8b"
_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]


def build(options: Options) -> ASGIApp:
    """Return the application of one server process; its stores are opened as it starts."""
    service = Service(options)
    others = Starlette(routes=[_starlette_route(service, each) for each in FILE_ROUTES], lifespan=_lifespan(service))
    app: ASGIApp = Wire(service, others)
    if options.allowed_origins:
        origins = [each.rstrip("/") for each in options.allowed_origins]
        app = CORSMiddleware(app, allow_origins=origins, allow_methods=["*"], allow_headers=["Content-Type"])
    return app


class Wire:
    """Answers the routes of the table itself, and hands all others on."""

    def __init__(self, service: Service, others: ASGIApp) -> None:
        self._service = service
        self._others = others
        self._guard = Guard(service.options)
        self._allowed = Policy.READ if service.options.read_only else Policy.WRITE
        self._threads = ThreadPoolExecutor(THREADS, "steno-server")
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
        path, method = scope["path"], scope["method"]
        objection = "" if path in _PROBES else self._guard.objection(scope["headers"])
        if objection:
            await _respond(send, 403, objection.encode(), _TEXT)
            return
        methods, words = self._found(scope)
        if methods is None:
            await self._others(scope, receive, send)
        elif method not in methods:
            allow = (b"allow", ", ".join(methods).encode())
            await _respond(send, 405, f"{path} is asked with {', '.join(methods)}".encode(), [*_TEXT, allow])
        else:
            await self._answer(methods[method], words, scope, receive, send)

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

    async def _answer(self, route: Route, words: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        headers = _JSON
        try:
            _permit(route.policy, self._allowed)
            ask = await self._ask(route, scope, receive)
            for name, word in words.items():
                setattr(ask, name, word)
            if route.apart:
                loop = asyncio.get_running_loop()
                body = await loop.run_in_executor(self._threads, self._done, route, ask, _takes_gzip(scope["headers"]))
                headers = _PACKED_JSON if body.startswith(_GZIP) else _JSON
            else:
                body = self._done(route, ask)
            status = 200
        except StenoError as error:
            status, failure = failure_of(error)
            body = coding.encode(failure)
        except ClientDisconnect:
            return
        await _respond(send, status, body, headers)

    def _done(self, route: Route, ask: Any, packed: bool = False) -> bytes:
        """Return what is answered, a long body compressed if it may be."""
        body = coding.encode(route.handler(self._service, ask))
        return gzip.compress(body, 1) if packed and len(body) > COMPRESSED_BYTES else body

    async def _ask(self, route: Route, scope: Scope, receive: Receive) -> Any:
        """Read what is asked. Raises: InvalidValue, ClientDisconnect."""
        method = scope["method"]
        if method == "GET":
            return coding.decode_query(_query(scope), route.call.asks)
        body = await _body(receive, self._service.options.max_body_bytes)
        if method == "DELETE" and not body:
            return coding.decode_query(_query(scope), route.call.asks)
        if method == "POST" and not _is_json(scope["headers"]):
            raise InvalidValue("the body is JSON: send the header Content-Type: application/json")
        return coding.decode(body, route.call.asks)


_PROBES = frozenset({"/health", "/version"})


def _pattern(path: str) -> re.Pattern[str]:
    """What the paths of a route look like; a tag's key may hold slashes, which MLflow's client does not encode."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(pattern.replace("(?P<key>[^/]+)", "(?P<key>.+)"))


def _permit(policy: Policy, allowed: Policy) -> None:
    if policy > allowed:
        raise ReadOnly("this server only shows what is recorded: it was started with --read-only")


class ReadOnly(StenoError):
    """The server changes nothing."""

    code = "PERMISSION_DENIED"
    http_status = 403


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"the query is not UTF-8: {error}") from error


def _takes_gzip(headers: Headers) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in headers)


def _is_json(headers: Headers) -> bool:
    return any(
        name == b"content-type" and value.partition(b";")[0].strip().lower() == b"application/json"
        for name, value in headers
    )


async def _body(receive: Receive, most: int) -> bytes:
    """Read a body whole. Raises: InvalidValue if it is too long or slow, ClientDisconnect."""
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while (message := await receive())["type"] == "http.request":
                content += message.get("body", b"")
                if len(content) > most:
                    raise InvalidValue(f"the body has more than {most} bytes: send several requests")
                if not message.get("more_body"):
                    return bytes(content)
    except TimeoutError as error:
        raise InvalidValue(f"the body did not arrive within {BODY_S:.0f} s") from error
    raise ClientDisconnect


async def _respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def _starlette_route(service: Service, route: FileRoute) -> StarletteRoute:
    allowed = Policy.READ if service.options.read_only else Policy.WRITE

    async def endpoint(request: Request) -> Response:
        try:
            _permit(route.policy, allowed)
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
        yield {}
        service.close()

    return lifespan
