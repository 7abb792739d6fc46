"""Statements put into words once, for what is written and read most.

SQLAlchemy takes 20 to 40 µs from a statement to the driver and back, SQLite itself 3. What goes this way is bound and
read as the driver has it: numbers, text and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection

Values = Mapping[str, Any]
Words = tuple[str, dict[str, Any]]
NONE: Values = {}


class Prepared:
    """A statement that is put into words when it is first used. Safe for threads; for any dialect of named values.

    Args:
        statement: The statement, or what makes it for a dialect of that name.
        columns: Of an insert, the columns that it gives; empty for all.
        listed: The name of an expanding bound value, if there is one.
    """

    def __init__(
        self, statement: ClauseElement | Callable[[str], ClauseElement], columns: Sequence[str] = (), listed: str = ""
    ) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._listed = listed
        self._known: dict[tuple[str, int], Words] = {}

    def run(self, connection: Connection, values: Values) -> Any:
        """Execute it once, in the transaction of a connection, and return the driver's cursor."""
        words, constants = self._words(connection, 0)
        cursor = _cursor(connection)
        cursor.execute(words, {**constants, **values} if constants else values)
        return cursor

    def run_each(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Execute it for each row; it has no constants of its own."""
        _cursor(connection).executemany(self._words(connection, 0)[0], rows)

    def run_listed(self, connection: Connection, items: Sequence[Any], values: Values = NONE) -> Any:
        """Execute it for a list of at least one item, and return the driver's cursor."""
        size = 1 << (len(items) - 1).bit_length()  # so that there are few lengths to put into words
        words, constants = self._words(connection, size)
        name, last = f"{self._listed}_", items[-1]
        given = {f"{name}{index}": item for index, item in enumerate(items, 1)}
        given.update((f"{name}{index}", last) for index in range(len(items) + 1, size + 1))
        cursor = _cursor(connection)
        cursor.execute(words, {**constants, **values, **given})
        return cursor

    def _words(self, connection: Connection, size: int) -> Words:
        key = connection.dialect.name, size
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._put(connection, size)
        return known

    def _put(self, connection: Connection, size: int) -> Words:
        dialect = connection.dialect
        statement: Any = self._statement(dialect.name) if callable(self._statement) else self._statement
        compiled = statement.compile(dialect=dialect, column_keys=self._columns)
        given = {} if self._columns else compiled.params
        constants = {name: value for name, value in given.items() if value is not None}
        if size:  # a list is put into words with its values, and so are the others then
            values = {**dict.fromkeys(compiled.params, 0), **constants, self._listed: [0] * size}
            literal = {"render_postcompile": True}
            compiled = statement.params(values).compile(dialect=dialect, compile_kwargs=literal)
        return str(compiled), constants


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()
