"""Conditions of a search as SQL: every value bound, every comparison true or false, never unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Table, and_, false, literal, not_, or_, select, true
from steno.errors import InvalidValue
from steno.queries import And, Compare, Condition, Entity, Not, Or, Stat

from steno_sql.likeness import ilike, like
from steno_sql.schema import datasets, inputs, params, runs, series, tags

Column = ColumnElement[Any]
Test = ColumnElement[bool]
Leaf = Callable[[Compare], Test]

_MOST = 500  # SQLite refuses expressions nested deeper than 1000,
_LONGEST = 10_000  # more than 32,766 bound values, and patterns over 50,000 bytes
_INT64 = range(-(2**63), 2**63)

_NUMBER: Mapping[str, Callable[[Column, Any], Test]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
}
_TEXT: Mapping[str, Callable[[Column, Any], Test]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "LIKE": like,
    "ILIKE": ilike,
    "IN": lambda column, value: column.in_(value),
    "NOT IN": lambda column, value: column.not_in(value),
}
_STATS = {Stat.MIN: series.c.min, Stat.MAX: series.c.max, Stat.COUNT: series.c.count, Stat.STEP: series.c.last_step}
_DATASET = {"name": datasets.c.name, "digest": datasets.c.digest, "context": inputs.c.context}
ATTRIBUTES: Mapping[str, Column] = {
    name: runs.c[name]
    for name in (
        "run_id", "run_name", "status", "user_id", "artifact_uri", "start_time", "end_time", "lifecycle_stage",
    )
}  # fmt: skip


def compiled(condition: Condition, leaf: Leaf) -> Test:
    """Return the SQL of a tree of conditions. Raises: InvalidValue."""
    if _size(condition) > _MOST:
        raise InvalidValue(f"a search takes at most {_MOST} conditions")
    return _compiled(condition, leaf)


def _size(condition: Condition) -> int:
    if isinstance(condition, Compare):
        return 1
    parts = (condition.inner,) if isinstance(condition, Not) else condition.parts
    return 1 + sum(map(_size, parts))


def weight(condition: Condition) -> int:
    """Return about how many characters a tree of conditions takes."""
    if not isinstance(condition, Compare):
        parts = (condition.inner,) if isinstance(condition, Not) else condition.parts
        return 1 + sum(map(weight, parts))
    value = condition.value
    texts = (*(value if isinstance(value, tuple) else (value,)), condition.field.key)
    return sum(len(each) if isinstance(each, str) else 10 for each in texts)


def _compiled(condition: Condition, leaf: Leaf) -> Test:
    match condition:
        case Compare():
            return leaf(condition)
        case Not(inner):
            return not_(_compiled(inner, leaf))
        case And(parts):
            return and_(true(), *(_compiled(part, leaf) for part in parts))
        case Or(parts):
            return or_(false(), *(_compiled(part, leaf) for part in parts))


def on_runs(compare: Compare) -> Test:
    """Return the SQL of one comparison on the table `runs`. Raises: InvalidValue."""
    key = compare.field.key
    match compare.field.entity:
        case Entity.ATTRIBUTE:
            return on_column(attribute(key), compare)
        case Entity.METRIC:
            return _on_metric(compare)
        case Entity.PARAM:
            return on_pairs(params, params.c.run == runs.c.id, compare)
        case Entity.TAG:
            return on_pairs(tags, tags.c.run == runs.c.id, compare)
        case Entity.DATASET:
            return _on_dataset(compare)


def attribute(key: str) -> Column:
    """Return the column of a run's attribute. Raises: InvalidValue."""
    if key not in ATTRIBUTES:
        raise InvalidValue(f"runs have no attribute {key!r}; there are {', '.join(ATTRIBUTES)}")
    return ATTRIBUTES[key]


def on_column(column: Column, compare: Compare) -> Test:
    """Return a comparison with a column that every row has, though it may be NULL there."""
    wanted = presence(compare, column.is_not(None))
    if wanted is not None:
        return wanted
    compared = on_number(column, compare) if column.type.python_type is int else _text(column, compare)
    return and_(column.is_not(None), compared) if getattr(column, "nullable", False) else compared


def on_pairs(table: Table, mine: Test, compare: Compare) -> Test:
    """Return a comparison with the text under a key; without the key it is false."""
    there = select(1).where(mine, table.c.key == compare.field.key)
    wanted = presence(compare, there.exists())
    return there.where(_text(table.c.value, compare)).exists() if wanted is None else wanted


def _on_metric(compare: Compare) -> Test:
    there = select(1).where(series.c.run == runs.c.id, series.c.key == compare.field.key)
    wanted = presence(compare, there.exists())
    if wanted is not None:
        return wanted
    column = metric_column(series, compare.field.stat)
    compared = on_number(column, compare)
    if column.nullable:
        nan = column.is_(None)
        compared = or_(nan, compared) if compare.op == "!=" else and_(not_(nan), compared)
    return there.where(compared).exists()


def metric_column(table: Any, stat: Stat) -> Column:
    """Return the column of `series`, or of an alias of it, that holds a statistic."""
    column: Column = table.c[_STATS.get(stat, series.c.last).name]
    return column


def _on_dataset(compare: Compare) -> Test:
    column = _DATASET.get(compare.field.key)
    if column is None:
        raise InvalidValue(f"datasets have no {compare.field.key!r}; there are {', '.join(_DATASET)}")
    there = select(1).where(inputs.c.run == runs.c.id, inputs.c.dataset == datasets.c.id)
    wanted = presence(compare, there.where(column.is_not(None)).exists())
    return there.where(_text(column, compare)).exists() if wanted is None else wanted


def presence(compare: Compare, there: Test) -> Test | None:
    """Return the SQL of IS NULL and IS NOT NULL, None for another comparison."""
    if compare.op == "IS NULL":
        return not_(there)
    return there if compare.op == "IS NOT NULL" else None


def on_number(column: Column, compare: Compare) -> Test:
    """Return a comparison with a column of numbers. Raises: InvalidValue."""
    operator, value = _NUMBER.get(compare.op), compare.value
    if operator is None or isinstance(value, str | tuple) or value is None:
        raise InvalidValue(f"{compare.field.key!r} is a number: it cannot be compared {compare.op} {value!r}")
    if value != value:  # NaN equals nothing; math.isnan() would choke on huge integers
        return true() if compare.op == "!=" else false()
    if column.type.python_type is int:
        return _on_integer(column, compare.op, value)
    return operator(column, literal(_as_float(value), Double))


def _on_integer(column: Column, op: str, value: float) -> Test:
    """Return a comparison of whole numbers alone: databases differ in what 64 bits and a fraction come to."""
    if math.isinf(value) or math.floor(value) not in _INT64 or math.ceil(value) not in _INT64:
        above, below = op in ("<", "<="), op in (">", ">=")
        return true() if op == "!=" or (above if value > 0 else below) else false()
    if value != math.floor(value) and op in ("=", "!="):
        return true() if op == "!=" else false()
    whole = math.floor(value) if op in (">", "<=") else math.ceil(value)
    return _NUMBER[op](column, literal(whole, BigInteger))


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text(column: Column, compare: Compare) -> Test:
    operator, value = _TEXT.get(compare.op), compare.value
    listed = compare.op in ("IN", "NOT IN")
    if operator is None or not isinstance(value, tuple if listed else str):
        raise InvalidValue(f"{compare.field.key!r} is text: it cannot be compared {compare.op} {value!r}")
    if len(value) > _LONGEST and compare.op not in ("=", "!="):
        raise InvalidValue(
            f"what {compare.field.key!r} is compared with has {len(value)} parts: give at most {_LONGEST}"
        )
    return operator(column, value)
