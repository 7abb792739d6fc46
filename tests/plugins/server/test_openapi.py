"""The description is the server: every route is in it, and whatever it allows is answered without a 500."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno_server.openapi import described
from steno_server.routes import FILE_ROUTES, ROUTES

DESCRIPTION = "/api/steno/v1/openapi.json"
WHOLE = described()
SCHEMAS = WHOLE["components"]["schemas"]
OPERATIONS = [(path, method, told) for path, methods in WHOLE["paths"].items() for method, told in methods.items()]
# An answer that has no end is asked for in test_events.py.
ENDING = [each for each in OPERATIONS if "text/event-stream" not in each[2]["responses"]["200"]["content"]]
_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["0", "1", "m", "NaN", "name = 'x'", "../..", "a" * 300, "\0", "models:/x/1", "file:///etc", "%2e%2e/", "run.txt"]
)
_NUMBERS = st.integers(-3, 3) | st.sampled_from([2**31, 2**53, 2**63 - 1, 2**63, -(2**63), -(2**64)])


def values(schema, depth=0):
    """What a schema allows."""
    if "$ref" in schema:
        return values(SCHEMAS[schema["$ref"].rpartition("/")[2]], depth + 1)
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if depth < 4 or each.get("type") == "null"] or schema["anyOf"]
        return st.one_of([values(each, depth) for each in kinds])
    kind = schema.get("type")
    if kind == "object":
        if "properties" not in schema:
            return st.dictionaries(_TEXTS, _TEXTS, max_size=3)
        named = {name: values(each, depth + 1) for name, each in schema["properties"].items()}
        needed = {name: named.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=named)
    if kind == "array":
        return st.lists(values(schema.get("items", {}), depth + 1), max_size=3)
    plain = {"string": _TEXTS, "integer": _NUMBERS, "number": st.floats(), "boolean": st.booleans(), "null": st.none()}
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return plain[kind] if kind else _TEXTS


@st.composite
def requests(draw, operation):
    """A request that the description allows: path and query, body."""
    path, method, told = operation
    query = []
    for each in told.get("parameters", ()):
        value = draw(values(each["schema"]))
        if each["in"] == "path":
            text = str(value).strip("./") or "x"
            path = path.replace(f"{{{each['name']}}}", quote(text, safe=""))
        elif each["required"] or draw(st.booleans()):
            query += [(each["name"], one) for one in (value if isinstance(value, list) else [value])]
    content = told.get("requestBody", {}).get("content", {})
    body = None
    if "application/json" in content:
        body = json.dumps(draw(values(content["application/json"]["schema"]))).encode("utf-8", "replace")
    elif content:
        body = draw(st.binary(max_size=50))
    return method.upper(), path + ("?" + urlencode(query, errors="replace") if query else ""), body


def test_the_description_has_every_route_once(server):
    sent = server.call("GET", DESCRIPTION)
    assert sent == json.loads(json.dumps(WHOLE))
    wire = sum(len(route.call.prefixes) * len(route.call.methods) for route in ROUTES)
    assert len(OPERATIONS) == wire + len(FILE_ROUTES)
    assert len({told["operationId"] for _, _, told in OPERATIONS}) == len(OPERATIONS)
    text = json.dumps(sent)
    for name in {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in SCHEMAS
    gated = described("basic")["paths"]
    assert "security" not in gated["/health"]["get"]
    assert gated["/metrics"]["get"]["security"] == [{"basic": []}]


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_that_the_description_allows_is_answered_with_500(server, data):
    operation = data.draw(st.sampled_from(ENDING))
    method, path, body = data.draw(requests(operation))
    status, _, answer = server.raw(method, path, body)
    assert status in (200, 400, 404, 501), (method, path, body, answer)
    assert status == 200 or b"INTERNAL_ERROR" not in answer
