"""Rows that arrive in tables: new ones, many at a time, and those that may be there already."""

from __future__ import annotations

from collections.abc import Sequence
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
        listed = ", ".join(f'"{name}"' for name in self._names)
        self._copy = f"COPY {table.name} ({listed}) FROM STDIN (FORMAT BINARY)"

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


def put(table: Table) -> Prepared:
    """Return the statement that inserts a row, or writes over the one that is there under the same key."""
    return Prepared(partial(_put, table))


def put_if_new(table: Table, columns: Sequence[str] = (), told: Column[Any] | None = None) -> Prepared:
    """Return the statement that inserts a row, and leaves one as it is that is there already.

    Args:
        table: The table.
        columns: Those that the row has; empty for all.
        told: The number of the new row, which the statement returns in PostgreSQL; nothing if there is no new row.
    """
    return Prepared(partial(_put_if_new, table, told), columns)


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
