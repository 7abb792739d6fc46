"""Registered models with their tags and aliases, inside a write or a read that the store has begun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from steno.errors import AlreadyExists, NotFound
from steno.model_records import Change, RegisteredModel

from steno_sql.arriving import Put, put_if_new
from steno_sql.registry import tags as tagging
from steno_sql.registry import versions
from steno_sql.registry.tables import (
    model_aliases,
    model_versions,
    registered_model_names,
    registered_model_tags,
    registered_models,
)
from steno_sql.registry.trail import Trail
from steno_sql.runs import slices
from steno_sql.schema import AnyRow

_BY_NAME = select(registered_models).where(registered_models.c.name == bindparam("name"))
_STANDS_FOR = (
    select(model_aliases.c.model, model_aliases.c.alias, model_versions.c.version)
    .join(model_versions, model_versions.c.id == model_aliases.c.version)
    .where(model_aliases.c.model.in_(bindparam("models", expanding=True)))
    .order_by(model_aliases.c.alias)
)
_SET_ALIAS, _NAMED = Put(model_aliases), put_if_new(registered_model_names)


def create(trail: Trail, name: str, tags: Mapping[str, str] | None, description: str) -> None:
    """Create a model. Raises: AlreadyExists."""
    head = {
        "name": name,
        "description": description,
        "versions": 0,
        "creation_timestamp": trail.now,
        "last_updated_timestamp": trail.now,
    }
    try:
        trail.connection.execute(insert(registered_models).values(head))
    except IntegrityError as error:
        raise AlreadyExists(f"registered model {name!r} exists already") from error
    model = find(trail.connection, name)
    _NAMED.run(trail.connection, {"name": name, "model": model.id})
    trail.of_model(model, Change.MODEL_CREATED, after=name)
    if description:
        trail.of_model(model, Change.MODEL_DESCRIBED, after=description)
    _put_tags(trail, model, tags or {})


def find(connection: Connection, name: str) -> AnyRow:
    """Return the row of a model. Raises: NotFound."""
    row = connection.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise NotFound(f"there is no registered model {name!r}")
    return row


def get(connection: Connection, name: str) -> RegisteredModel:
    """Return a model whole. Raises: NotFound."""
    return load(connection, [find(connection, name)])[0]


def load(connection: Connection, rows: Sequence[AnyRow]) -> list[RegisteredModel]:
    """Return the models of rows of the table whole, in their order."""
    return [model for piece in slices(rows) for model in _load(connection, piece)]


def _load(connection: Connection, rows: Sequence[AnyRow]) -> list[RegisteredModel]:
    ids = [row.id for row in rows]
    tags = tagging.load(connection, registered_model_tags, ids)
    aliases: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for number, alias, version in connection.execute(_STANDS_FOR, {"models": ids}):
        aliases[number][alias] = str(version)
    latest = versions.latest(connection, ids)
    return [
        RegisteredModel(
            name=row.name,
            description=row.description,
            tags=tags[row.id],
            aliases=aliases[row.id],
            latest_versions=latest[row.id],
            creation_timestamp=row.creation_timestamp,
            last_updated_timestamp=row.last_updated_timestamp,
        )
        for row in rows
    ]


def rename(trail: Trail, name: str, new_name: str) -> None:
    """Rename; to the name it has changes nothing. Raises: NotFound, AlreadyExists."""
    model = find(trail.connection, name)
    if name == new_name:
        return
    try:
        _update(trail, model, name=new_name)
    except IntegrityError as error:
        raise AlreadyExists(f"registered model {new_name!r} exists already: {name!r} cannot become it") from error
    _NAMED.run(trail.connection, {"name": new_name, "model": model.id})
    trail.of_model(model, Change.MODEL_RENAMED, before=name, after=new_name)


def describe(trail: Trail, name: str, description: str) -> None:
    """Set the description. Raises: NotFound."""
    model = find(trail.connection, name)
    if model.description != description:
        _update(trail, model, description=description)
        before = model.description or None
        trail.of_model(model, Change.MODEL_DESCRIBED, before=before, after=description or None)


def delete_whole(trail: Trail, name: str) -> None:
    """Remove a model and all its versions. Raises: NotFound."""
    model = find(trail.connection, name)
    versions.remove(trail, versions.of_model(trail.connection, model.id))
    trail.of_model(model, Change.MODEL_DELETED, before=name)
    trail.connection.execute(delete(registered_models).where(registered_models.c.id == model.id))


def set_tags(trail: Trail, name: str, tags: Mapping[str, str]) -> None:
    """Set tags. Raises: NotFound."""
    _put_tags(trail, find(trail.connection, name), tags)


def _put_tags(trail: Trail, model: AnyRow, tags: Mapping[str, str]) -> None:
    for key, before, after in tagging.put(trail.connection, registered_model_tags, model.id, tags):
        trail.of_model(model, Change.MODEL_TAG, key=key, before=before, after=after)


def delete_tag(trail: Trail, name: str, key: str) -> None:
    """Remove a tag, if it is there. Raises: NotFound for the model."""
    model = find(trail.connection, name)
    before = tagging.remove(trail.connection, registered_model_tags, model.id, key)
    if before is not None:
        trail.of_model(model, Change.MODEL_TAG, key=key, before=before)


def set_alias(trail: Trail, name: str, alias: str, version: str) -> None:
    """Let an alias stand for a version. Raises: NotFound."""
    model, target = find(trail.connection, name), versions.find(trail.connection, name, version)
    before = _stands_for(trail.connection, model, alias)
    if before == target.version:
        return
    _SET_ALIAS.run(trail.connection, {"model": model.id, "alias": alias, "version": target.id})
    trail.of_alias(model.id, name, alias, before, target.version)


def delete_alias(trail: Trail, name: str, alias: str) -> None:
    """Remove an alias, if it is there. Raises: NotFound for the model."""
    model = find(trail.connection, name)
    before = _stands_for(trail.connection, model, alias)
    if before is not None:
        trail.connection.execute(delete(model_aliases).where(_alias(model, alias)))
        trail.of_alias(model.id, name, alias, before, None)


def _stands_for(connection: Connection, model: AnyRow, alias: str) -> int | None:
    target = select(model_versions.c.version).join(model_aliases, model_aliases.c.version == model_versions.c.id)
    return connection.scalar(target.where(_alias(model, alias)))


def _alias(model: AnyRow, alias: str) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = model_aliases.c.model == model.id
    return mine & (model_aliases.c.alias == alias)


def _update(trail: Trail, model: AnyRow, **values: Any) -> None:
    trail.connection.execute(update(registered_models).where(registered_models.c.id == model.id).values(values))
