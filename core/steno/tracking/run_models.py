"""Logged models seen from their run: `runs:/<run id>/<name>` is the newest one of that name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec.structs import replace

from steno.contracts.paths import artifact_key
from steno.contracts.stores import ArtifactStore
from steno.model_records import LoggedModelStatus
from steno.queries import And, Compare, Condition, Entity, Field, LoggedModelQuery
from steno.records import FileInfo
from steno.tracking import places

if TYPE_CHECKING:
    from steno.model_records import LoggedModel

MOST_NAMES = 1000


def find_model(store_uri: str, run_id: str, path: str) -> tuple[LoggedModel, str] | None:
    """Return the newest model of a run whose name a path is, or begins with, and the rest of the path.

    What this process has logged must have been carried to the store.
    """
    if not path:
        return None
    parts = path.split("/")
    names = tuple("/".join(parts[: end + 1]) for end in range(len(parts)))
    found = _search(store_uri, run_id, 1, Compare(Field(Entity.ATTRIBUTE, "name"), "IN", names))
    return (found[0], path[len(found[0].name) :].strip("/")) if found else None


def models_of(store_uri: str, run_id: str) -> list[LoggedModel]:
    """Return the models of a run whose files are there, the newest first."""
    return _search(store_uri, run_id, MOST_NAMES)


def _search(store_uri: str, run_id: str, count: int, *more: Condition) -> list[LoggedModel]:
    of_run = Compare(Field(Entity.ATTRIBUTE, "source_run_id"), "=", run_id)
    ready = Compare(Field(Entity.ATTRIBUTE, "status"), "=", LoggedModelStatus.READY.value)
    query = LoggedModelQuery(None, And((of_run, ready, *more)), max_results=count)
    return list(places.run_store(store_uri).search_logged_models(query))


class RunFiles:
    """An `ArtifactStore`: a run's artifacts as they are read, each of its logged models a folder under its name.

    What is written is the run's own, whatever its key.
    """

    def __init__(self, store_uri: str, run_id: str, own: ArtifactStore) -> None:
        self.uri = own.uri
        self._store_uri, self._run_id, self._own = store_uri, run_id, own

    def put(self, key: str, source: Path | bytes, *, move: bool = False) -> None:
        self._own.put(key, source, move=move)

    def delete(self, key: str = "") -> None:
        self._own.delete(key)

    def open(self, key: str) -> BinaryIO:
        store, inside = self.located(key)
        return store.open(inside)

    def local_path(self, key: str = "") -> Path | None:
        store, inside = self.located(key)
        return store.local_path(inside)

    def list(self, key: str = "") -> list[FileInfo]:
        store, inside, name = self._of(key)
        if name:
            return [replace(each, path=f"{name}/{each.path}") for each in store.list(inside)]
        entries = {entry.path: entry for entry in store.list(key)}
        below = f"{key}/" if key else ""
        for model in models_of(self._store_uri, self._run_id):
            if model.name.startswith(below):
                folder = below + model.name[len(below) :].partition("/")[0]
                entries.setdefault(folder, FileInfo(folder, True))
        return [entries[path] for path in sorted(entries)]

    def located(self, key: str) -> tuple[ArtifactStore, str]:
        """Return the store that a key means, and the key there."""
        return self._of(key)[:2]

    def _of(self, key: str) -> tuple[ArtifactStore, str, str]:
        """The store that a key means, the key there, and the model's name if it is a model's."""
        found = find_model(self._store_uri, self._run_id, artifact_key(key, allow_root=True))
        if found is None:
            return self._own, key, ""
        model, inside = found
        return places.artifact_store(model.artifact_location), inside, model.name
