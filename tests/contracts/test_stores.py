"""The stores that ship with steno keep the published contract."""

from __future__ import annotations

from pathlib import Path

from steno.testing.stores import ArtifactStoreSuite, RunStoreSuite
from steno_files.store import FileStore
from steno_sql.store import SqlStore


class TestSqlite(RunStoreSuite):
    def make_store(self, folder: Path) -> SqlStore:
        return SqlStore(f"sqlite:///{folder}/steno.db")


class TestFolder(ArtifactStoreSuite):
    def make_store(self, folder: Path) -> FileStore:
        return FileStore(str(folder))


class TestFileUri(ArtifactStoreSuite):
    def make_store(self, folder: Path) -> FileStore:
        return FileStore((folder / "with space").as_uri())
