"""A proxy that stands before a server and does it as it is told: an outage on demand."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PAGE = b"<html><body>The service is being restarted.</body></html>"
_AWAY = ("closed", "full")
STATUSES = {"429": 429, "500": 500, "502": 502, "503": 503, "401": 401, "403": 403, "404": 404, "302": 302}


class Middleman:
    """Hands requests on to `upstream`, unless it is told otherwise by `be`.

    Ways: "" as it should; "silent" takes the request and says nothing; "slow" answers after a second; a status
    of STATUSES; "half" breaks off within the answer; "page" answers with a page of its own; "lost" hands on and
    breaks off;
    "late" breaks off, and hands on afterwards; "closed" does not listen; "full" listens, and takes
    no connection: the packets of whoever asks are lost.

    It is a proxy to HTTP clients too; what they CONNECT to, it only passes on.

    Args:
        upstream: Whom it stands before.
        tls: What it shows and asks for, if it speaks TLS.
        login: The header's value without which it is nobody's proxy.

    Attributes:
        admits: The header's value with which a request is handed on all the same.
        asked: Method, path and headers of each request that came, in order.
    """

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None, login: str = "") -> None:
        self.upstream, self.tls, self.login = urlsplit(upstream), tls, login
        self.way = self.admits = ""
        self.only: Callable[[str], bool] = lambda path: True
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.over = threading.Event()
        self._crowd: list[socket.socket] = []
        self._listen(0)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def be(self, way: str, only: Callable[[str], bool] = lambda path: True) -> None:
        """Fail in this way from now on, for requests to the paths that `only` lets through."""
        if way in _AWAY and self.way not in _AWAY:
            self._stop()
        for each in self._crowd:
            each.close()
        self._crowd = _full(self.port) if way == "full" else []
        if self.way in _AWAY and way not in _AWAY:
            self._listen(self.port)
        self.way, self.only = way, only

    def close(self) -> None:
        """End."""
        self.over.set()
        for each in self._crowd:
            each.close()
        if self.way not in _AWAY:
            self._stop()

    def _listen(self, port: int) -> None:
        middleman = self

        class Handler(_Handler):
            between = middleman

        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:  # hands are shaken in the thread of each connection
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that do not wait."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    between: Middleman

    def do_any(self) -> None:
        between = self.between
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        between.asked.append((self.command, self.path, dict(self.headers)))
        way = between.way if between.only(self.path) else ""
        if between.admits and self.headers.get("Authorization") == between.admits:
            way = ""
        if way in _AWAY:  # a connection that was open before
            self.close_connection = True
        elif way == "silent":
            between.over.wait(5)
            self.close_connection = True
        elif way == "late":
            self.connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.5)
            self._handed_on(body)
            self.close_connection = True
        elif way in STATUSES:
            more = {"Retry-After": "1"} if way == "429" else {"Location": "https://login.example/"}
            self._answer(STATUSES[way], {"Content-Type": "text/html", **more}, PAGE)
        elif way == "page":
            self._answer(200, {"Content-Type": "text/html"}, PAGE)
        else:
            if way == "slow":
                time.sleep(1)
            status, headers, content = self._handed_on(body)
            if way == "lost":
                self.close_connection = True
            else:
                self._answer(status, headers, content, whole=way != "half")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815

    def do_CONNECT(self) -> None:
        between = self.between
        between.asked.append(("CONNECT", self.path, dict(self.headers)))
        self.close_connection = True
        if between.login and self.headers.get("Proxy-Authorization") != between.login:
            self._answer(407, {}, PAGE)
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pass_on, args=(there, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, there)
            back.join(20)

    def _handed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = self.between.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=20)
        try:
            path = self.path[self.path.index("/", 8) :] if self.path.startswith("http") else self.path
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
            }
            connection.request(self.command, path, body or None, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() in KEPT}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, whole: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if whole else len(content) + 50))
        self.end_headers()
        self.wfile.write(content if whole else content[: len(content) // 2])
        self.close_connection = self.close_connection or not whole

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _full(port: int) -> list[socket.socket]:
    """Listen with a queue for one, and fill it."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(0)
    crowd = [socket.socket() for _ in range(4)]
    for each in crowd:
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", port))
    return [*crowd, listening]


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


KEPT = ("content-type", "content-encoding", "retry-after")
