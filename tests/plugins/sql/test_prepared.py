"""Statements that go to the driver without SQLAlchemy say what SQLAlchemy would have said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, select
from steno_sql.database import Database
from steno_sql.prepared import Prepared
from steno_sql.schema import TAIL, chunks, experiments

NUMBER = experiments.c.experiment_id
SOME = select(NUMBER, experiments.c.name).where(NUMBER.in_(bindparam("numbers", expanding=True)))
NAMES = [f"n{number}" for number in range(1, 41)]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A connection to a store of forty experiments."""
    database = Database(f"sqlite:///{tmp_path}/steno.db")
    row = {"artifact_location": "", "lifecycle_stage": "active", "creation_time": 1, "last_update_time": 1}
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM experiments")
        columns = ("experiment_id", "name", *row)
        rows = [{**row, "experiment_id": number, "name": name} for number, name in enumerate(NAMES, 1)]
        Prepared(insert(experiments), columns).run_each(connection, rows)
        yield connection
    database.close()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 31, 32, 33])
def test_a_list_of_any_length_finds_each_row_once(connection: Connection, count: int) -> None:
    found = Prepared(SOME, listed="numbers").run_listed(connection, range(3, 3 + count)).fetchall()
    assert sorted(found) == [(number, NAMES[number - 1]) for number in range(3, 3 + count)]


def test_a_few_wordings_serve_all_lengths(connection: Connection) -> None:
    statement = Prepared(SOME, listed="numbers")
    for count in range(1, 41):
        statement.run_listed(connection, range(count))
    assert len(statement._known) == 7


def test_other_values_and_constants_are_bound_beside_a_list(connection: Connection) -> None:
    narrow = SOME.where(experiments.c.name == bindparam("name"), experiments.c.lifecycle_stage == "active")
    statement = Prepared(narrow, listed="numbers")
    assert statement.run_listed(connection, [1, 2, 3], {"name": "n2"}).fetchall() == [(2, "n2")]
    assert statement.run_listed(connection, [1, 3], {"name": "n2"}).fetchall() == []


def test_constants_of_a_statement_are_bound(connection: Connection) -> None:
    statement = Prepared(select(chunks.c.number + TAIL).where(chunks.c.number == bindparam("number")))
    assert statement.run(connection, {"number": 1}).fetchall() == []
    named = Prepared(select(NUMBER).where(experiments.c.name == "n7", NUMBER.between(bindparam("low"), 99)))
    assert named.run(connection, {"low": 1}).fetchall() == [(7,)]
    assert named.run(connection, {"low": 8}).fetchall() == []


def test_what_only_the_driver_wrote_is_committed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/steno.db")
    rename = Prepared(experiments.update().values(name=bindparam("new_name")))
    with database.writing() as connection:
        rename.run(connection, {"new_name": "renamed"})
    database.close()
    with database.reading() as connection:
        assert set(connection.scalars(select(experiments.c.name))) == {"renamed"}
    database.close()


def test_what_only_the_driver_wrote_is_undone_after_an_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/steno.db")
    rename = Prepared(experiments.update().values(name=bindparam("new_name")))
    with pytest.raises(KeyError):
        _write_and_fail(database, rename)
    with database.reading() as connection:
        assert "renamed" not in set(connection.scalars(select(experiments.c.name)))
    database.close()


def _write_and_fail(database: Database, rename: Prepared) -> None:
    with database.writing() as connection:
        rename.run(connection, {"new_name": "renamed"})
        raise KeyError
