"""The tables of an MLflow database, read and never written, with what is damaged left out and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from steno.errors import InvalidValue, NotFound

NEEDED = ("experiments", "runs", "metrics", "params", "tags")


class Tables:
    """An open database. Not for several threads.

    Args:
        path: The file.

    Raises:
        NotFound: There is no such file.
        InvalidValue: It is no database of MLflow's, or so damaged that not even its tables are known.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFound(f"there is no file {path}")
        self._path = path
        self._connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        self._columns = self._read_columns()

    def _read_columns(self) -> dict[str, frozenset[str]]:
        try:
            names = [row[0] for row in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            columns = {name: frozenset(row[1] for row in self._connection.execute(f'PRAGMA table_info("{name}")'))
                       for name in names}  # fmt: skip
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise InvalidValue(
                f"{self._path} cannot be read as a SQLite database ({error}): copy it again from where it came"
            ) from error
        if missing := [name for name in NEEDED if name not in columns]:
            self._connection.close()
            raise InvalidValue(
                f"{self._path} is no MLflow database: it has no table {missing[0]}; give the file that MLflow's "
                "--backend-store-uri names"
            )
        return columns

    def rows(
        self, table: str, columns: Sequence[str], where: str = "1", given: Sequence[Any] = (), order: str = "rowid"
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table, none if it is missing; a column that an older MLflow lacks is NULL.

        Raises: sqlite3.DatabaseError where the file is damaged, after the rows before.
        """
        if table not in self._columns:
            return
        there = self._columns[table]
        wanted = ", ".join(f'"{name}"' if name in there else "NULL" for name in columns)
        yield from self._connection.execute(f"SELECT {wanted} FROM {table} WHERE {where} ORDER BY {order}", given)

    def some(self, problems: list[str], what: str, *asked: Any, **options: Any) -> list[tuple[Any, ...]]:
        """Return the rows that can be read; that there are more is a problem."""
        found: list[tuple[Any, ...]] = []
        try:
            found.extend(self.rows(*asked, **options))
        except sqlite3.DatabaseError as error:
            problems.append(f"{what} cannot be read to the end: {error}")
        return found

    def has(self, table: str, column: str) -> bool:
        """Say whether a table has a column."""
        return column in self._columns.get(table, ())

    def count(self, table: str, where: str = "1", given: Sequence[Any] = ()) -> int:
        """Return how many rows there are, 0 for a missing table or one that cannot be counted."""
        if table not in self._columns:
            return 0
        try:
            return int(self._connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}", given).fetchone()[0])
        except sqlite3.DatabaseError:
            return 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
