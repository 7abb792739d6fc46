"""Versions of registered models, inside a write or a read that the store has begun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, delete, func, insert, select, update
from steno.errors import InvalidValue, NotFound
from steno.model_records import Change, ModelVersion, Stage

from steno_sql.registry import tags as tagging
from steno_sql.registry.tables import model_aliases, model_version_tags, model_versions, registered_models
from steno_sql.registry.trail import Key, Trail
from steno_sql.runs import slices
from steno_sql.schema import AnyRow

WITH_NAME: Select[Any] = select(model_versions, registered_models.c.name).join(
    registered_models, registered_models.c.id == model_versions.c.model
)
"""Rows of `model_versions`, each with its model's name."""

_BY_NAME = WITH_NAME.where(
    registered_models.c.name == bindparam("name"), model_versions.c.version == bindparam("number", type_=BigInteger)
)
_BY_ALIAS = WITH_NAME.join(model_aliases, model_aliases.c.version == model_versions.c.id).where(
    model_aliases.c.model == bindparam("model"), model_aliases.c.alias == bindparam("alias")
)
_ALIASES = (
    select(model_aliases.c.version, model_aliases.c.alias)
    .where(model_aliases.c.version.in_(bindparam("versions", expanding=True)))
    .order_by(model_aliases.c.alias)
)


def _latest() -> Select[Any]:
    stage = (model_versions.c.model, model_versions.c.current_stage)
    highest = select(*stage, func.max(model_versions.c.version).label("version")).group_by(*stage)
    top = highest.where(model_versions.c.model.in_(bindparam("models", expanding=True))).subquery()
    return WITH_NAME.join(top, (top.c.model == model_versions.c.model) & (top.c.version == model_versions.c.version))


_LATEST = _latest()
_COLUMNS = tuple(column.name for column in model_versions.columns if column.name not in ("id", "model"))
_COUNT = update(registered_models).where(registered_models.c.id == bindparam("model"))
_COUNT = _COUNT.values(versions=registered_models.c.versions + 1).returning(registered_models.c.versions)
_INSERT = insert(model_versions).returning(model_versions.c.id)
_ORDER = {stage.value: position for position, stage in enumerate(Stage)}


def create(trail: Trail, model: AnyRow, source: str, *, tags: Mapping[str, str], **told: Any) -> ModelVersion:
    """Create the next version of a model, READY; `told` is what else is known of it."""
    number = trail.connection.execute(_COUNT, {"model": model.id}).scalar_one()
    made = ModelVersion(
        name=model.name,
        version=str(number),
        source=source,
        user_id=trail.user,
        tags=dict(tags),
        creation_timestamp=trail.now,
        last_updated_timestamp=trail.now,
        **told,
    )
    values = {name: getattr(made, name) for name in _COLUMNS} | {"model": model.id, "version": number}
    ident = trail.connection.execute(_INSERT, values).scalar_one()
    key = Key(ident, model.id, model.name, number)
    trail.of_version(key, Change.VERSION_CREATED, after=source)
    if made.description:
        trail.of_version(key, Change.VERSION_DESCRIBED, after=made.description)
    set_tags(trail, key, tags)
    return made


def find(connection: Connection, name: str, version: str) -> AnyRow:
    """Return the row of a version, with its model's name. Raises: NotFound, for the model or the version."""
    if version.isascii() and version.isdigit() and len(version) < 19 and str(int(version)) == version:
        row = connection.execute(_BY_NAME, {"name": name, "number": int(version)}).first()
        if row is not None:
            return row
    if connection.scalar(select(registered_models.c.id).where(registered_models.c.name == name)) is None:
        raise NotFound(f"there is no registered model {name!r}")
    raise NotFound(f"registered model {name!r} has no version {version!r}")


def get(connection: Connection, name: str, version: str) -> ModelVersion:
    """Return a version whole. Raises: NotFound."""
    return load(connection, [find(connection, name, version)])[0]


def get_by_alias(connection: Connection, model: AnyRow, alias: str) -> ModelVersion:
    """Return the version that an alias stands for. Raises: InvalidValue."""
    row = connection.execute(_BY_ALIAS, {"model": model.id, "alias": alias}).first()
    if row is None:
        known = select(model_aliases.c.alias).where(model_aliases.c.model == model.id).order_by(model_aliases.c.alias)
        there = ", ".join(connection.scalars(known.limit(20))) or "none"
        raise InvalidValue(f"registered model {model.name!r} has no alias {alias!r}; its aliases: {there}")
    return load(connection, [row])[0]


def of_model(connection: Connection, model: int) -> Sequence[AnyRow]:
    """Return the rows of all versions of a model, the lowest first."""
    return connection.execute(WITH_NAME.where(model_versions.c.model == model).order_by(model_versions.c.version)).all()


def latest(connection: Connection, models: Sequence[int]) -> defaultdict[int, list[ModelVersion]]:
    """Return the highest version of each stage that has one, in the order of the stages, by model."""
    rows = sorted(connection.execute(_LATEST, {"models": models}), key=lambda row: _ORDER.get(row.current_stage, 9))
    found: defaultdict[int, list[ModelVersion]] = defaultdict(list)
    for row, version in zip(rows, load(connection, rows), strict=True):
        found[row.model].append(version)
    return found


def load(connection: Connection, rows: Sequence[AnyRow]) -> list[ModelVersion]:
    """Return the versions of rows, each with its model's name, whole and in their order."""
    return [version for piece in slices(rows) for version in _load(connection, piece)]


def _load(connection: Connection, rows: Sequence[AnyRow]) -> list[ModelVersion]:
    ids = [row.id for row in rows]
    tags = tagging.load(connection, model_version_tags, ids)
    aliases = _aliases(connection, ids)
    return [
        ModelVersion(
            name=row.name,
            version=str(row.version),
            source=row.source,
            location=row.location,
            run_id=row.run_id,
            model_id=row.model_id,
            current_stage=row.current_stage,
            description=row.description,
            user_id=row.user_id,
            status=row.status,
            status_message=row.status_message,
            run_link=row.run_link,
            tags=tags[row.id],
            aliases=aliases[row.id],
            creation_timestamp=row.creation_timestamp,
            last_updated_timestamp=row.last_updated_timestamp,
        )
        for row in rows
    ]


def _aliases(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for number, alias in connection.execute(_ALIASES, {"versions": ids}):
        found[number].append(alias)
    return found


def describe(trail: Trail, version: AnyRow, description: str) -> None:
    """Set the description."""
    if version.description != description:
        _update(trail, version, description=description)
        before = version.description or None
        trail.of_version(version, Change.VERSION_DESCRIBED, before=before, after=description or None)


def set_tags(trail: Trail, version: AnyRow | Key, tags: Mapping[str, str]) -> None:
    """Set tags."""
    for key, before, after in tagging.put(trail.connection, model_version_tags, version.id, tags):
        trail.of_version(version, Change.VERSION_TAG, key=key, before=before, after=after)


def delete_tag(trail: Trail, version: AnyRow, key: str) -> None:
    """Remove a tag, if it is there."""
    before = tagging.remove(trail.connection, model_version_tags, version.id, key)
    if before is not None:
        trail.of_version(version, Change.VERSION_TAG, key=key, before=before)


def move(trail: Trail, version: AnyRow, stage: str, *, alone: bool) -> None:
    """Move a version to a stage, and if it is to be alone there, all others that are there to Archived."""
    if alone and stage != Stage.ARCHIVED:
        there = (model_versions.c.model == version.model) & (model_versions.c.current_stage == stage)
        others = WITH_NAME.where(there, model_versions.c.id != version.id).order_by(model_versions.c.version)
        for other in trail.connection.execute(others).all():
            _move(trail, other, Stage.ARCHIVED)
    if version.current_stage != stage:
        _move(trail, version, stage)


def _move(trail: Trail, version: AnyRow, stage: str) -> None:
    _update(trail, version, current_stage=str(stage))
    trail.of_version(version, Change.STAGE, before=version.current_stage, after=str(stage))


def remove(trail: Trail, rows: Sequence[AnyRow]) -> None:
    """Remove versions, and before each the aliases that stand for it."""
    for piece in slices(rows):
        ids = [row.id for row in piece]
        aliases = _aliases(trail.connection, ids)
        for row in piece:
            for alias in aliases[row.id]:
                trail.of_alias(row.model, row.name, alias, row.version, None)
            trail.of_version(row, Change.VERSION_DELETED, before=row.source)
        trail.connection.execute(delete(model_versions).where(model_versions.c.id.in_(ids)))


def _update(trail: Trail, version: AnyRow, **values: Any) -> None:
    trail.connection.execute(update(model_versions).where(model_versions.c.id == version.id).values(values))
