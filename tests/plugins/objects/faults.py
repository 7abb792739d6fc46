"""A proxy before a server of objects that cuts, refuses and delays what it is told to."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
REFUSALS = {"busy": (503, "SlowDown"), "denied": (403, "AccessDenied"), "gone": (404, "NoSuchUpload")}
Rule = Callable[[str, str], str]


class Between:
    """Hands requests on to `upstream`; before each, `rule(method, path)` says how it is to fail.

    Ways: "" not at all; "cut" breaks off in the middle of what is sent; "half" in the middle of
    the answer; "lost" hands on and breaks off; "silent" says nothing for a while;
    "busy", "denied" and "gone" answer so, "refused" as `refusal` says: status, code and headers.

    Attributes:
        asked: Method and path of each request that came, in order.
        passed: Of each that was handed on.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.rule: Rule = lambda method, path: ""
        self.refusal: tuple[int, str, dict[str, str]] = (403, "AccessDenied", {})
        self.asked: list[tuple[str, str]] = []
        self.passed: list[tuple[str, str]] = []
        self.over = threading.Event()
        between = self

        class Handler(_Handler):
            proxy = between

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def parts_sent(self) -> list[int]:
        """Return the numbers of the parts that were handed on, in order."""
        paths = [path for method, path in self.passed if method == "PUT" and "partNumber=" in path]
        return [int(path.partition("partNumber=")[2].partition("&")[0]) for path in paths]

    def close(self) -> None:
        """End."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that do not wait."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Between

    def do_any(self) -> None:
        self.proxy.asked.append((self.command, self.path))
        way = self.proxy.rule(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if way == "cut":
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if way == "silent":
            self.proxy.over.wait(20)
            self.close_connection = True
        elif way in (*REFUSALS, "refused"):
            status, code, headers = self.proxy.refusal if way == "refused" else (*REFUSALS[way], {})
            self._answer(status, headers, BUSY.replace(b"SlowDown", code.encode()))
        else:
            self.proxy.passed.append((self.command, self.path))
            status, headers, content = self._handed_on(body)
            if way == "lost":
                self.close_connection = True
            else:
                self._answer(status, headers, content, whole=way != "half")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_any  # noqa: N815

    def _handed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = self.proxy.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
        try:
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("connection", "expect")
            }
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            own = ("connection", "transfer-encoding", "date", "server")
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in own}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, whole: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name != "Content-Length":
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content if whole else content[: len(content) // 2])
        self.close_connection = self.close_connection or not whole

    def log_message(self, *args: object) -> None:
        """Say nothing."""
