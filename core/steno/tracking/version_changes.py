"""Tells plugins which versions a change to the registry has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from steno.errors import InvalidValue, NotFound
from steno.plugins import plugins
from steno.queries import Compare, Entity, Field, RegistryQuery

if TYPE_CHECKING:
    from steno.contracts.registry import RegistryStore
    from steno.model_records import ModelVersion

HOOK = "steno_model_version_changed"
PAGE = 1000


@contextmanager
def telling(
    store: RegistryStore, name: str, versions: Iterable[str] | None, *, renamed: str | None = None
) -> Iterator[RegistryStore]:
    """Give the store, compare versions before and after the body, and tell plugins of each that differs.

    Without such a plugin it costs nothing.

    Args:
        store: Where they are.
        name: Of the model.
        versions: Those that the body may change; None for all.
        renamed: The model's name after the body, if that is another.
    """
    if not plugins().hooks.is_watched(HOOK):
        yield store
        return
    numbers = None if versions is None else tuple(versions)
    before = _found(store, name, numbers)
    yield store
    after = _found(store, renamed or name, numbers)
    for number in sorted({*before, *after}, key=int):
        tell(before.get(number), after.get(number))


def tell(before: ModelVersion | None, after: ModelVersion | None) -> None:
    """Tell plugins of one version, if it differs."""
    if before != after:
        plugins().hooks.model_version_changed(before, after)


def all_versions(store: RegistryStore, name: str) -> list[ModelVersion]:
    """Return every version of a model, the highest first."""
    where = Compare(Field(Entity.ATTRIBUTE, "name"), "=", name)
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = store.search_model_versions(RegistryQuery(where, max_results=PAGE, page_token=token))
        found += page
        token = page.token
        if token is None:
            return sorted(found, key=lambda each: -int(each.version))


def with_origins(store: RegistryStore, versions: list[ModelVersion]) -> list[ModelVersion]:
    """Return versions as a trail tells them, with the run and model of those that the store still has."""
    living = {(e.name, e.version): e for name in {v.name for v in versions} for e in all_versions(store, name)}
    found = []
    for version in versions:
        now = living.get((version.name, version.version))
        same = now is not None and now.creation_timestamp == version.creation_timestamp
        origin = {"run_id": now.run_id, "model_id": now.model_id, "location": now.location} if now and same else {}
        found.append(replace(version, **origin))
    return found


def _found(store: RegistryStore, name: str, numbers: tuple[str, ...] | None) -> dict[str, ModelVersion]:
    if numbers is None:
        return {each.version: each for each in all_versions(store, name)}
    found = {}
    for number in numbers:
        try:
            found[number] = store.get_model_version(name, number)
        except (NotFound, InvalidValue):
            continue
    return found
