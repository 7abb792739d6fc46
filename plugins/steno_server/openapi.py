"""What the server answers, told to programs: the table of routes as an OpenAPI description.

Source of the format: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from steno import __version__
from steno.wire import coding
from steno.wire.failures import Failure

from steno_server.access import Policy
from steno_server.service import Service

_REFERENCE = "#/components/schemas/{name}"
_BINARY: dict[str, Any] = {"application/octet-stream": {"schema": {}}}
_SCHEMES = {"token": {"type": "http", "scheme": "bearer"}, "basic": {"type": "http", "scheme": "basic"}}


async def get_description(service: Service, request: Request) -> Response:
    """Send the description."""
    return Response(coding.encode(described(service.options.auth)), media_type="application/json")


def described(auth: str = "") -> dict[str, Any]:
    """Return the description of a server. `auth` as in `Options`."""
    from steno_server.routes import FILE_ROUTES, ROUTES  # which names it

    kinds: set[type[msgspec.Struct]] = {
        Failure,
        *(kind for route in ROUTES for kind in (route.call.asks, route.call.answers)),
    }
    ordered = sorted(kinds, key=lambda kind: kind.__qualname__)
    references, schemas = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    by_kind = dict(zip(ordered, references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        for path, method in _places(route):
            operation = _operation(route.handler, route.policy, path, method, auth)
            paths.setdefault(path, {})[method.lower()] = operation
            operation.update(_asked(route, path, method, by_kind))
            content = {"application/json": {"schema": by_kind[route.call.answers]}}
            operation["responses"] = _responses(content, by_kind[Failure])
    for file_route in FILE_ROUTES:
        path = file_route.path.replace(":path}", "}")
        operation = _operation(file_route.handler, file_route.policy, path, file_route.method, auth)
        paths.setdefault(path, {})[file_route.method.lower()] = operation
        operation["parameters"] = [
            *_in_path(path),
            *(_parameter(name, {"type": "string"}) for name in file_route.query),
        ]
        if file_route.method in ("PUT", "POST"):
            operation["requestBody"] = {"content": _BINARY}
        operation["responses"] = _responses({file_route.content: {"schema": {}}}, by_kind[Failure])
    components: dict[str, Any] = {"schemas": schemas}
    if auth:
        components["securitySchemes"] = {auth: _SCHEMES[auth]}
    info = {
        "title": "steno server",
        "version": __version__,
        "description": "MLflow's REST wire, and steno's own calls.",
    }
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


def _places(route: Any) -> Iterator[tuple[str, str]]:
    for prefix in route.call.prefixes:
        for method in route.call.methods:
            yield prefix + route.call.path, method


def _operation(handler: Any, policy: Policy, path: str, method: str, auth: str) -> dict[str, Any]:
    module = handler.__module__.rpartition(".")[2]
    told = {"summary": (inspect.getdoc(handler) or "").partition("\n")[0], "tags": [module]}
    told["operationId"] = re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")
    if auth and policy is not Policy.OPEN:
        told["security"] = [{auth: []}]
    return told


def _asked(route: Any, path: str, method: str, by_kind: dict[Any, Any]) -> dict[str, Any]:
    """How a message is asked: words of the path, then a query or a body."""
    if method != "GET":
        content = {"application/json": {"schema": by_kind[route.call.asks]}}
        return {"parameters": _in_path(path), "requestBody": {"content": content, "required": method != "DELETE"}}
    fields = msgspec.structs.fields(route.call.asks)
    schemas, _ = msgspec.json.schema_components([field.type for field in fields], ref_template=_REFERENCE)
    named = zip(fields, schemas, strict=True)
    in_query = [_parameter(field.name, each, required=field.required) for field, each in named if _is_in(field, path)]
    return {"parameters": [*_in_path(path), *in_query]}


def _is_in(field: msgspec.structs.FieldInfo, path: str) -> bool:
    """Whether a field stands in the query, since it does not stand in the path."""
    return f"{{{field.name}}}" not in path


def _in_path(path: str) -> list[dict[str, Any]]:
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _parameter(name: str, schema: Any, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _responses(content: dict[str, Any], failure: Any) -> dict[str, Any]:
    return {
        "200": {"description": "Done.", "content": content},
        "default": {"description": "Refused.", "content": {"application/json": {"schema": failure}}},
    }
