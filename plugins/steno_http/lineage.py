"""What a version came from, told to a server in its own names and remembered in ours.

A server names a run and a place among its artifacts otherwise than steno does, and keeps neither a location nor, in a
database, the id of a model. What it would lose stands in tags of the version, which are not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace
from steno.model_records import ModelVersion

if TYPE_CHECKING:
    from steno_http.server import Server

_RUNS, _MODELS = "runs:/", "models:/"
_TAGS = {"source": "steno.source", "location": "steno.location", "run_id": "steno.run_id", "model_id": "steno.model_id"}


class There(NamedTuple):
    """What the server is told: `tags` hold what it could not give back."""

    source: str
    run_id: str
    model_id: str
    tags: dict[str, str]


class Lineage:
    """Turns what a version came from into the server's names and back.

    Args:
        server: Which.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def outward(self, source: str, location: str, run_id: str, model_id: str) -> There:
        """Return what the server is told of a new version."""
        their_run = self._run(run_id) if run_id else ""
        their_model = self._server.model_ids.known(model_id) if model_id else ""
        their_source = self._source(source)
        kept = {
            "source": source if self._server.seen_from_here(their_source) != source else "",
            "location": self._server.seen_from_there(location),
            "run_id": run_id if their_run != run_id else "",
            "model_id": "" if self._server.is_steno() else model_id,
        }
        return There(their_source, their_run, their_model, {_TAGS[field]: text for field, text in kept.items() if text})

    def inward(self, version: ModelVersion) -> ModelVersion:
        """Return a version that the server showed, in our names."""
        tags = dict(version.tags)
        kept = {field: tags.pop(tag) for field, tag in _TAGS.items() if tag in tags}
        found = {"source": version.source, "location": version.location, **kept}
        here = {field: self._server.seen_from_here(found[field]) for field in ("source", "location")}
        return replace(version, tags=tags, **{**kept, **here})

    def _run(self, run_id: str) -> str:
        return self._server.run_ids.known([run_id])[0]

    def _source(self, source: str) -> str:
        if source.startswith(_MODELS) and source.removeprefix(_MODELS).startswith("m-"):
            return _MODELS + self._server.model_ids.known(source.removeprefix(_MODELS))
        if not source.startswith(_RUNS):
            return self._server.seen_from_there(source)
        run_id, slash, path = source.removeprefix(_RUNS).lstrip("/").partition("/")
        return f"{_RUNS}{self._run(run_id)}{slash}{path}"
