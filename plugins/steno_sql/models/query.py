"""Searches over logged models as SELECT statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, not_, or_, select
from steno.errors import InvalidValue
from steno.queries import Compare, DatasetRef, Entity, LoggedModelQuery, ModelOrderKey, Stat

from steno_sql.conditions import Test, compiled, on_column, on_number, on_pairs, presence
from steno_sql.experiments import as_text, numbers
from steno_sql.models.tables import logged_model_metrics, logged_model_params, logged_model_tags, logged_models
from steno_sql.paging import Place
from steno_sql.query import page, seen

_metrics = logged_model_metrics.c
_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    name: logged_models.c[name]
    for name in (
        "name", "model_id", "model_type", "source_run_id", "status", "creation_timestamp", "last_updated_timestamp",
    )
} | {"experiment_id": as_text(logged_models.c.experiment_id)}  # fmt: skip
_STATS = {Stat.LAST: _metrics.last, Stat.MIN: _metrics.min, Stat.MAX: _metrics.max, Stat.STEP: _metrics.last_step}


def models_matching(query: LoggedModelQuery, place: Place) -> Select[Any]:
    """Return the statement for one page of rows of `logged_models` and one row more. Raises: InvalidValue."""
    statement = select(logged_models).where(*seen(logged_models, query.view))
    if query.experiment_ids is not None:
        ids = numbers(query.experiment_ids)
        # Many ids as one list of literals, as for runs.
        statement = statement.where(
            logged_models.c.experiment_id.in_(bindparam("ids", ids, expanding=True, literal_execute=True))
        )
    if query.where is not None:
        statement = statement.where(compiled(query.where, partial(_on_models, query.datasets)))
    elif query.datasets:
        statement = statement.where(_points(query.datasets).exists())
    keys = [term for order in query.order_by for term in _terms(order)]
    ending = (logged_models.c.creation_timestamp.desc(), logged_models.c.model_id.asc())
    return page(statement.order_by(*keys, *ending), query, place, logged_models.c.id)


def _on_models(datasets: Sequence[DatasetRef], compare: Compare) -> Test:
    field = compare.field
    if field.entity == Entity.METRIC:
        return _on_metric(datasets, compare)
    if field.entity == Entity.PARAM:
        return on_pairs(logged_model_params, logged_model_params.c.model == logged_models.c.id, compare)
    if field.entity == Entity.TAG:
        return on_pairs(logged_model_tags, logged_model_tags.c.model == logged_models.c.id, compare)
    return on_column(_column(field.entity, field.key), compare)


def _on_metric(datasets: Sequence[DatasetRef], compare: Compare) -> Test:
    there = _points(datasets).where(_metrics.key == compare.field.key)
    wanted = presence(compare, there.exists())
    if wanted is not None:
        return wanted
    column = _stat(compare.field.stat)
    compared, nan = on_number(column, compare), column.is_(None)
    # NaN, which is NULL here, differs from everything.
    return there.where(or_(nan, compared) if compare.op == "!=" else and_(not_(nan), compared)).exists()


def _points(datasets: Sequence[DatasetRef]) -> Select[Any]:
    there = select(1).where(_metrics.model == logged_models.c.id)
    return there.where(or_(*map(_on_dataset, datasets))) if datasets else there


def _on_dataset(dataset: DatasetRef) -> Test:
    named = _metrics.dataset_name == dataset.name
    return named if dataset.digest is None else and_(named, _metrics.dataset_digest == dataset.digest)


def _terms(order: ModelOrderKey) -> list[ColumnElement[Any]]:
    field = order.field
    if field.entity == Entity.METRIC:
        mine = (_metrics.model == logged_models.c.id) & (_metrics.key == field.key)
        if order.dataset is not None:
            mine &= _on_dataset(order.dataset)
        latest = select(_stat(field.stat)).where(mine).order_by(_metrics.last_time.desc(), _metrics.last_step.desc())
        column: ColumnElement[Any] = latest.limit(1).scalar_subquery()
        count = select(func.count()).where(mine).scalar_subquery()
        rank = case((count == 0, 2), (column.is_(None), 1), else_=0)
    else:
        column = _column(field.entity, field.key)
        rank = case((column.is_(None), 1), else_=0)
    return [rank, column.asc() if order.ascending else column.desc()]


def _stat(stat: Stat) -> ColumnElement[Any]:
    if stat not in _STATS:
        raise InvalidValue(f"of a logged model's metric one can ask for {', '.join(_STATS)}, not for {stat}")
    return _STATS[stat]


def _column(entity: Entity, key: str) -> ColumnElement[Any]:
    if entity != Entity.ATTRIBUTE or key not in _COLUMNS:
        known = ", ".join(_COLUMNS)
        raise InvalidValue(f"logged models have no {entity} {key!r} to search or order by; there are {known}")
    return _COLUMNS[key]
