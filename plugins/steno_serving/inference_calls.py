"""The calls of the Open Inference Protocol, answered by one model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from steno import __version__
from steno.asgi.messages import Headers, Receive, Scope, TooLong, TooSlow, body_of, header
from steno.errors import InvalidValue, StenoError
from steno.models.load import PYFUNC

from steno_serving import inference
from steno_serving.scorer import PredictionTimeout, Scorer

HEAD_LENGTH = b"inference-header-content-length"
Answer = tuple[int, bytes, Headers]
Handler = Callable[[Scope, Receive], Awaitable[Answer]]
_NOSNIFF = (b"x-content-type-options", b"nosniff")
JSON: Headers = [(b"content-type", b"application/json"), _NOSNIFF]
BINARY: Headers = [(b"content-type", b"application/octet-stream"), _NOSNIFF]
_STATUSES: dict[type[StenoError], int] = {PredictionTimeout: 504, TooLong: 413, TooSlow: 408}


class Calls:
    """Answers them.

    Args:
        scorer: Returns the model at work.
    """

    def __init__(self, scorer: Callable[[], Scorer]) -> None:
        self._scorer = scorer

    def routes(self, name: str, version: str) -> dict[str, dict[str, Handler]]:
        """Return the handlers by path and method, for a model that is called so."""
        model = f"/v2/models/{name}"
        found: dict[str, dict[str, Handler]] = {
            "/v2": {"GET": self._server},
            "/v2/health/live": {"GET": self._live},
            "/v2/health/ready": {"GET": self._ready},
        }
        for place in (model, f"{model}/versions/{version}") if version else (model,):
            found[place] = {"GET": self._model}
            found[f"{place}/ready"] = {"GET": self._model_ready}
            found[f"{place}/infer"] = {"POST": self._infer}
        return found

    async def _live(self, scope: Scope, receive: Receive) -> Answer:
        return 200, b'{"live":true}', JSON

    async def _ready(self, scope: Scope, receive: Receive) -> Answer:
        return 200, b'{"ready":true}', JSON

    async def _model_ready(self, scope: Scope, receive: Receive) -> Answer:
        return 200, msgspec.json.encode({"name": self._scorer().options.name, "ready": True}), JSON

    async def _server(self, scope: Scope, receive: Receive) -> Answer:
        told = {"name": "steno", "version": __version__, "extensions": ["binary_tensor_data"]}
        return 200, msgspec.json.encode(told), JSON

    async def _model(self, scope: Scope, receive: Receive) -> Answer:
        scorer = self._scorer()
        signature, options = scorer.model.signature, scorer.options
        told = {
            "name": options.name,
            "versions": [options.version] if options.version else [],
            "platform": f"steno_{_flavor(scorer)}",
            "inputs": inference.inputs_told(scorer.schema),
            "outputs": inference.outputs_told(signature.outputs if signature is not None else None),
        }
        return 200, msgspec.json.encode(told), JSON

    async def _infer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            body = await body_of(receive, self._scorer().options.max_body_bytes)
            head, length = await self._inferred(body, _length(header(scope["headers"], HEAD_LENGTH)))
        except StenoError as error:
            return _STATUSES.get(type(error), 400), msgspec.json.encode({"error": error.message}), JSON
        if length is None:
            return 200, head, JSON
        return 200, head, [*BINARY, (HEAD_LENGTH, str(length).encode())]

    async def _inferred(self, body: bytes, head_bytes: int | None) -> tuple[bytes, int | None]:
        scorer = self._scorer()
        request, arrays = inference.read(body, head_bytes)
        known = ("binary_data_output",)
        params: dict[str, Any] = {key: value for key, value in request.parameters.items() if key not in known}
        prediction = await scorer.of(inference.inputs_of(arrays, scorer.schema), params or None)
        signature = scorer.model.signature
        outputs = inference.outputs_of(prediction, signature.outputs if signature is not None else None)
        about = {"model_name": scorer.options.name, "model_version": scorer.options.version}
        return inference.answer(request, outputs, about)


def _flavor(scorer: Scorer) -> str:
    """The flavor that knows the model, not the one that calls it."""
    return next((name for name in scorer.model.metadata.flavors if name != PYFUNC), PYFUNC)


def _length(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 12:
        raise InvalidValue(f"Inference-Header-Content-Length is a number of bytes, not {value[:20]!r}")
    return int(value)
