"""A server below a path, where a proxy shares one host among several."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Prefixed:
    """Hands on what is asked below a path, without that path; nothing else is there but what probes ask.

    Args:
        app: Who answers.
        prefix: The path, which begins with a slash and does not end with one.
        probes: The paths that are answered outside of it too.
    """

    def __init__(self, app: ASGIApp, prefix: str, probes: frozenset[str]) -> None:
        self._app = app
        self._prefix, self._raw = prefix, prefix.encode()
        self._probes = probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in self._probes:
            await self._app(scope, receive, send)
            return
        path, raw = scope["path"], scope["raw_path"]
        if path.startswith(f"{self._prefix}/") and raw.startswith(self._raw + b"/"):
            scope = {**scope, "path": path[len(self._prefix) :], "raw_path": raw[len(self._raw) :]}
            await self._app(scope, receive, send)
            return
        text = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
        await send({"type": "http.response.start", "status": 404, "headers": text})
        await send({"type": "http.response.body", "body": b"Not Found"})
