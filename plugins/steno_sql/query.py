"""Searches as SELECT statements: what is looked for, in which order, from which row on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, case, select
from steno.errors import InvalidValue
from steno.queries import Compare, Entity, ExperimentQuery, OrderKey, RunQuery, ViewType

from steno_sql.conditions import Test, attribute, compiled, metric_column, on_column, on_pairs, on_runs, weight
from steno_sql.experiments import ACTIVE, DELETED, as_text, numbers
from steno_sql.paging import Place, Query
from steno_sql.schema import experiment_tags, experiments, params, runs, series, tags

_MOST_KEYS = 30  # SQLite joins at most 64 tables
_LIGHT = 2000  # a condition in characters and parts: statements that are kept take no room to speak of
_EXPERIMENT_ATTRIBUTES = ("name", "experiment_id", "creation_time", "last_update_time")


def runs_matching(query: RunQuery, place: Place) -> Select[Any]:
    """Return the statement for one page of rows of `runs` and one row more. Raises: InvalidValue."""
    light = query.where is None or weight(query.where) <= _LIGHT
    return _kept(query, place) if light else _built(query, place)


def _built(query: RunQuery, place: Place) -> Select[Any]:
    statement = select(runs).where(*seen(runs, query.view))
    if query.experiment_ids is not None:
        ids = numbers(query.experiment_ids)
        # Many ids as one list of literals: they are integers by now, and bound values are limited.
        statement = statement.where(
            runs.c.experiment_id.in_(bindparam("ids", ids, expanding=True, literal_execute=True))
        )
    if query.where is not None:
        statement = statement.where(compiled(query.where, on_runs))
    return page(_ordered(statement, query.order_by), query, place, runs.c.id)


_kept = lru_cache(maxsize=256)(_built)  # who looks at runs asks the same again and again


def experiments_matching(query: ExperimentQuery, place: Place) -> Select[Any]:
    """Return the statement for one page of rows of `experiments` and one row more. Raises: InvalidValue."""
    statement = select(experiments).where(*seen(experiments, query.view))
    if query.where is not None:
        statement = statement.where(compiled(query.where, _on_experiments))
    keys = [_experiment_key(order) for order in query.order_by]
    number = experiments.c.experiment_id
    ending = [number.desc()] if keys else [experiments.c.creation_time.desc(), number.asc()]
    return page(statement.order_by(*keys, *ending), query, place, number)


def seen(table: FromClause, view: ViewType) -> list[Test]:
    """Return the condition that a view puts on the rows of a table."""
    if view == ViewType.ALL:
        return []
    return [table.c.lifecycle_stage == (DELETED if view == ViewType.DELETED_ONLY else ACTIVE)]


def page(statement: Select[Any], query: Query, place: Place, number: ColumnElement[int]) -> Select[Any]:
    """Return the statement for one page of an ordered statement, and one row more."""
    if place.newest is not None:
        statement = statement.where(number <= place.newest)
    return statement.limit(query.max_results + 1).offset(place.offset)


def _ordered(statement: Select[Any], order_by: Sequence[OrderKey]) -> Select[Any]:
    """Order by the keys, then newest first, then by id; each key is joined once, by its primary key."""
    if len(order_by) > _MOST_KEYS:
        raise InvalidValue(f"a search orders by at most {_MOST_KEYS} keys")
    source: FromClause = runs
    terms: list[ColumnElement[Any]] = []
    for order in order_by:
        key = order.field.key
        if order.field.entity == Entity.ATTRIBUTE:
            column: ColumnElement[Any] = attribute(key)
            missing = column.is_(None)
            rank = case((missing, 1), else_=0) if getattr(column, "nullable", False) else None
        elif order.field.entity == Entity.DATASET:
            raise InvalidValue("runs cannot be ordered by a dataset: a run may have many")
        else:
            tables = {Entity.METRIC: series, Entity.PARAM: params, Entity.TAG: tags}
            facts = tables[order.field.entity].alias()
            source = source.outerjoin(facts, (facts.c.run == runs.c.id) & (facts.c.key == key))
            metric = order.field.entity == Entity.METRIC
            column = metric_column(facts, order.field.stat) if metric else facts.c.value
            rank = case((facts.c.run.is_(None), 2), (column.is_(None), 1), else_=0)
        if rank is not None:
            terms.append(rank)
        terms.append(column.asc() if order.ascending else column.desc())
    if not any(order.field.entity == Entity.ATTRIBUTE and order.field.key == "start_time" for order in order_by):
        terms.append(runs.c.start_time.desc())
    return statement.select_from(source).order_by(*terms, runs.c.run_id.asc())


def _on_experiments(compare: Compare) -> Test:
    key = compare.field.key
    if compare.field.entity == Entity.TAG:
        mine = experiment_tags.c.experiment_id == experiments.c.experiment_id
        return on_pairs(experiment_tags, mine, compare)
    column = _experiment_attribute(compare.field.entity, key)
    return on_column(as_text(column) if key == "experiment_id" else column, compare)


def _experiment_key(order: OrderKey) -> ColumnElement[Any]:
    column = _experiment_attribute(order.field.entity, order.field.key)
    return column.asc() if order.ascending else column.desc()


def _experiment_attribute(entity: Entity, key: str) -> ColumnElement[Any]:
    if entity != Entity.ATTRIBUTE or key not in _EXPERIMENT_ATTRIBUTES:
        raise InvalidValue(f"experiments have no {entity} {key!r}; there are {', '.join(_EXPERIMENT_ATTRIBUTES)}")
    return experiments.c[key]
