"""Searches over the registry as SELECT statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from steno.errors import InvalidValue
from steno.queries import Compare, Entity, OrderKey, RegistryQuery

from steno_sql.conditions import Test, compiled, on_column, on_pairs
from steno_sql.paging import Place
from steno_sql.query import page
from steno_sql.registry.tables import model_version_tags, model_versions, registered_model_tags, registered_models
from steno_sql.registry.versions import WITH_NAME

_Columns = Mapping[str, ColumnElement[Any]]
_OF_MODELS: _Columns = {
    "name": registered_models.c.name,
    "last_updated_timestamp": registered_models.c.last_updated_timestamp,
}
_OF_VERSIONS: _Columns = {
    "name": registered_models.c.name,
    "run_id": model_versions.c.run_id,
    "source_path": model_versions.c.source,
    "version_number": model_versions.c.version,
    "creation_timestamp": model_versions.c.creation_timestamp,
    "last_updated_timestamp": model_versions.c.last_updated_timestamp,
}


def models_matching(query: RegistryQuery, place: Place) -> Select[Any]:
    """Return the statement for one page of rows of `registered_models` and one row more. Raises: InvalidValue."""
    statement = select(registered_models)
    if query.where is not None:
        statement = statement.where(compiled(query.where, _on_models))
    keys = _ordered(query.order_by, _OF_MODELS, "registered models")
    return page(statement.order_by(*keys, registered_models.c.name), query, place, registered_models.c.id)


def versions_matching(query: RegistryQuery, place: Place) -> Select[Any]:
    """Return the statement for one page of `versions.WITH_NAME` and one row more. Raises: InvalidValue."""
    statement = WITH_NAME
    if query.where is not None:
        statement = statement.where(compiled(query.where, _on_versions))
    keys = _ordered(query.order_by, _OF_VERSIONS, "model versions")
    if not keys:
        keys = [model_versions.c.last_updated_timestamp.desc()]
    ending = (registered_models.c.name, model_versions.c.version.desc())
    return page(statement.order_by(*keys, *ending), query, place, model_versions.c.id)


def _on_models(compare: Compare) -> Test:
    if compare.field.entity == Entity.TAG:
        return on_pairs(registered_model_tags, registered_model_tags.c.model == registered_models.c.id, compare)
    return on_column(_column(compare.field.entity, compare.field.key, _OF_MODELS, "registered models"), compare)


def _on_versions(compare: Compare) -> Test:
    if compare.field.entity == Entity.TAG:
        return on_pairs(model_version_tags, model_version_tags.c.version == model_versions.c.id, compare)
    return on_column(_column(compare.field.entity, compare.field.key, _OF_VERSIONS, "model versions"), compare)


def _ordered(order_by: Sequence[OrderKey], columns: _Columns, of: str) -> list[ColumnElement[Any]]:
    keys: list[ColumnElement[Any]] = []
    for order in order_by:
        column = _column(order.field.entity, order.field.key, columns, of)
        keys.append(column.asc() if order.ascending else column.desc())
    return keys


def _column(entity: Entity, key: str, columns: _Columns, of: str) -> ColumnElement[Any]:
    if entity != Entity.ATTRIBUTE or key not in columns:
        raise InvalidValue(f"{of} have no {entity} {key!r} to search or order by; there are {', '.join(columns)}")
    return columns[key]
