"""Tags of models and of versions: tables with the same columns but the first, which says whose they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, bindparam, delete, select

from steno_sql.arriving import Put
from steno_sql.prepared import Prepared


def load(connection: Connection, table: Table, owners: Sequence[int]) -> defaultdict[int, dict[str, str]]:
    """Return the tags of each owner."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for owner, key, value in connection.execute(_of(table), {"owners": owners}):
        found[owner][key] = value
    return found


def put(connection: Connection, table: Table, owner: int, tags: Mapping[str, str]) -> list[tuple[str, str | None, str]]:
    """Set tags and return those that this changed: key, value before, value after."""
    if not tags:
        return []
    there = load(connection, table, [owner])[owner]
    changed = [(key, there.get(key), value) for key, value in tags.items() if there.get(key) != value]
    if changed:
        mine = _owner(table).name
        _put(table).run_each(connection, [{mine: owner, "key": key, "value": value} for key, _, value in changed])
    return changed


@cache  # building a statement takes longer than running it
def _of(table: Table) -> Select[Any]:
    return select(table).where(_owner(table).in_(bindparam("owners", expanding=True)))


@cache
def _put(table: Table) -> Prepared:
    return Put(table)


def remove(connection: Connection, table: Table, owner: int, key: str) -> str | None:
    """Remove a tag and return the value it had, None if it was not there."""
    mine = (_owner(table) == owner) & (table.c.key == key)
    return connection.execute(delete(table).where(mine).returning(table.c.value)).scalar()


def _owner(table: Table) -> Column[Any]:
    return next(iter(table.c))
