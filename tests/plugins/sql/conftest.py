"""A PostgreSQL server for the tests of a worker, and a database of it for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from steno_sql.registry.store import SqlRegistry
from steno_sql.store import SqlStore

from tests.plugins.sql.postgres import PASSWORD, Server

STORE = "store"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server with a store in it."""
    server = Server()
    try:
        server.start()
        server.admin(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}'")
        server.admin(f"CREATE DATABASE {STORE}")
        with closing(SqlStore(server.uri(STORE))) as store:
            store.get_experiment("0")
        server.keep(STORE)
        yield server
    finally:
        server.remove()


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The address of a database without tables."""
    name = server.new()
    yield server.uri(name)
    server.admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def uri(server: Server) -> str:
    """The address of a store that is new."""
    server.begin_again(STORE)
    return server.uri(STORE)


@pytest.fixture
def store(uri: str) -> Iterator[SqlStore]:
    """A store that is new."""
    with closing(SqlStore(uri)) as store:
        yield store


@pytest.fixture
def registry(uri: str) -> Iterator[SqlRegistry]:
    """A registry that is new."""
    with closing(SqlRegistry(uri)) as registry:
        yield registry
