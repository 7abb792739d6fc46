"""Rows that arrive in tables: new ones, many at a time, and those that may be there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Column,
    Connection,
    Double,
    Insert,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
)
from sqlalchemy.dialects import sqlite

from steno_sql.prepared import Prepared, Values

_COPIED_FROM = 4
"""Rows from which on a COPY is worth its two more messages."""

_TYPES = {BigInteger: "int8", Integer: "int4", Double: "float8", Text: "text", LargeBinary: "bytea"}


class NewRows:
    """Rows of a table, none of which is there: COPY where the database has it and there are many, else INSERT.

    Args:
        table: The table.
        columns: Those that the rows have; empty for all.
    """

    def __init__(self, table: Table, columns: Sequence[str] = ()) -> None:
        self._insert = Prepared(insert(table), columns)
        wanted = [table.c[name] for name in columns] or list(table.columns)
        self._names = [column.name for column in wanted]
        self._types = [_TYPES[type(column.type)] for column in wanted]
        self._copy = f"COPY {table.name} ({_listed(self._names)}) FROM STDIN (FORMAT BINARY)"

    def add(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Add them."""
        if connection.dialect.name != "postgresql" or len(rows) < _COPIED_FROM:
            self._insert.run_each(connection, rows)
            return
        cursor: Any = connection.connection.cursor()
        with cursor.copy(self._copy) as copy:
            copy.set_types(self._types)
            for row in rows:
                copy.write_row([row[name] for name in self._names])


class Put(Prepared):
    """Inserts rows, each with all columns, or writes over those that are there under the same key.

    Args:
        table: The table. No two of the rows that are written at a time have the same key.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(partial(_put, table))
        self._names = [column.name for column in table.columns]
        key = [column.name for column in table.primary_key]
        # In PostgreSQL one statement with a list for each column costs half of what one for each row does.
        lists = ", ".join(f"%({column.name})b::{_TYPES[type(column.type)]}[]" for column in table.columns)
        changed = ", ".join(f'"{name}" = excluded."{name}"' for name in self._names if name not in key)
        self._together = (
            f"INSERT INTO {table.name} ({_listed(self._names)}) SELECT * FROM unnest({lists}) "
            f"ON CONFLICT ({_listed(key)}) DO UPDATE SET {changed}"
        )

    def run_each(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Execute it for each row."""
        together = list(rows)
        if connection.dialect.name != "postgresql" or len(together) == 1:
            super().run_each(connection, together)
            return
        columns = {name: [row[name] for row in together] for name in self._names}
        connection.connection.cursor().execute(self._together, columns)


def put_if_new(table: Table, columns: Sequence[str] = (), told: Column[Any] | None = None) -> Prepared:
    """Return the statement that inserts a row, and leaves one as it is that is there already.

    Args:
        table: The table.
        columns: Those that the row has; empty for all.
        told: The number of the new row, which the statement returns in PostgreSQL; nothing if there is no new row.
    """
    return Prepared(partial(_put_if_new, table, told), columns)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _put(table: Table, dialect: str) -> Insert:
    statement = _insert(table, dialect)
    changed = {column.name: column for column in statement.excluded if not column.primary_key}
    whole: Insert = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
    return whole


def _put_if_new(table: Table, told: Column[Any] | None, dialect: str) -> ClauseElement:
    statement: Insert = _insert(table, dialect).on_conflict_do_nothing()
    # SQLite tells a new row's number without being asked, and takes longer where it is.
    return statement if told is None or dialect == "sqlite" else statement.returning(told)


def _insert(table: Table, dialect: str) -> Any:
    """Return an INSERT that can say what to do on conflict; SQLAlchemy has a class of its own for each dialect."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)
