"""The published suites, in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from steno.testing.registry import RegistryStoreSuite
from steno.testing.stores import RunStoreSuite
from steno_sql.registry.store import SqlRegistry
from steno_sql.store import SqlStore


class InPostgresql:
    """A suite's tests, each with a database of its own."""

    @pytest.fixture(autouse=True)
    def at(self, uri: str) -> None:
        self.uri = uri


class TestRuns(InPostgresql, RunStoreSuite):
    def make_store(self, folder: Path) -> SqlStore:
        return SqlStore(self.uri)


class TestRegistry(InPostgresql, RegistryStoreSuite):
    def make_store(self, folder: Path) -> SqlRegistry:
        return SqlRegistry(self.uri)
