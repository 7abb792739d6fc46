"""The registry that ships with steno keeps the published contract."""

from __future__ import annotations

from pathlib import Path

from steno.testing.registry import RegistryStoreSuite
from steno_sql.registry.store import SqlRegistry


class TestSqlite(RegistryStoreSuite):
    def make_store(self, folder: Path) -> SqlRegistry:
        return SqlRegistry(f"sqlite:///{folder}/steno.db")
