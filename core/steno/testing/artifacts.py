"""The contract of an artifact store: whole files under safe keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from steno.contracts.stores import ArtifactStore
from steno.errors import NotFound, UnsafePath
from steno.records import FileInfo

UNSAFE = ["/etc/passwd", "../x", "a/../../x", "a/..", "a//b", "./a", "a/", "a\\b", "C:/x", "a\x00b", "a\nb", ".."]


class ArtifactStoreSuite(ABC):
    """The contract of `steno.contracts.stores.ArtifactStore`.

    A store passes it in six lines of a test module:

        from steno.testing.stores import ArtifactStoreSuite
        from mine import MyStore

        class TestMyStore(ArtifactStoreSuite):
            def make_store(self, folder):
                return MyStore(f"mine://{folder}")

    `make_store(folder)` returns a new, empty store; `folder` is an empty folder that goes away after the test.
    """

    @abstractmethod
    def make_store(self, folder: Path) -> ArtifactStore:
        """Return a new, empty store; `folder` is an empty folder of its own."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        folder = tmp_path / "store"
        folder.mkdir()
        return self.make_store(folder)

    def test_bytes_are_read_as_they_were_put(self, store: ArtifactStore) -> None:
        content = bytes(range(256)) * 5000
        store.put("deep/down/größe.bin", content)
        store.put("empty", b"")
        assert _read(store, "deep/down/größe.bin") == content
        assert _read(store, "empty") == b""

    def test_a_file_is_copied_and_stays(self, store: ArtifactStore, tmp_path: Path) -> None:
        source = tmp_path / "source.txt"
        source.write_text("hello")
        store.put("a.txt", source)
        assert (_read(store, "a.txt"), source.read_text()) == (b"hello", "hello")

    def test_a_file_may_be_moved(self, store: ArtifactStore, tmp_path: Path) -> None:
        source = tmp_path / "source.txt"
        source.write_text("hello")
        store.put("a/b.txt", source, move=True)
        assert _read(store, "a/b.txt") == b"hello"

    def test_putting_again_replaces(self, store: ArtifactStore) -> None:
        store.put("a", b"old and long")
        store.put("a", b"new")
        assert _read(store, "a") == b"new"

    def test_a_missing_source_is_not_found_and_leaves_what_is_there(self, store: ArtifactStore, tmp_path: Path) -> None:
        store.put("a", b"old")
        with pytest.raises(NotFound):
            store.put("a", tmp_path / "missing")
        assert _read(store, "a") == b"old"

    def test_folders_are_listed_one_level_deep_in_order(self, store: ArtifactStore) -> None:
        for key in ("b.txt", "a/x", "a/y/z", "c"):
            store.put(key, key.encode())
        assert store.list() == [FileInfo("a", True), FileInfo("b.txt", False, 5), FileInfo("c", False, 1)]
        assert store.list("a") == [FileInfo("a/x", False, 3), FileInfo("a/y", True)]
        assert store.list("nothing") == []
        assert store.list("c") == []

    def test_files_and_folders_are_deleted_and_nothing_is_no_error(self, store: ArtifactStore) -> None:
        for key in ("a/x", "a/y/z", "b"):
            store.put(key, b"1")
        store.delete("a")
        store.delete("a")
        assert [info.path for info in store.list()] == ["b"]
        store.delete("b")
        store.put("c", b"1")
        store.delete()
        assert store.list() == []
        store.put("d", b"1")
        assert _read(store, "d") == b"1"

    def test_what_is_not_there_is_not_found(self, store: ArtifactStore) -> None:
        store.put("a/x", b"1")
        for key in ("nothing", "a", "a/x/y"):
            with pytest.raises(NotFound):
                store.open(key)

    @pytest.mark.parametrize("key", UNSAFE)
    def test_a_key_that_would_leave_the_store_is_refused(self, store: ArtifactStore, key: str) -> None:
        for call in (lambda: store.put(key, b"1"), lambda: store.open(key), lambda: store.list(key)):
            with pytest.raises(UnsafePath):
                call()
        with pytest.raises(UnsafePath):
            store.delete(key)
        assert store.list() == []

    def test_the_root_is_no_file(self, store: ArtifactStore) -> None:
        with pytest.raises(UnsafePath):
            store.put("", b"1")
        with pytest.raises(UnsafePath):
            store.open("")

    def test_readers_see_the_old_or_the_new_whole(self, store: ArtifactStore) -> None:
        contents = [bytes([number]) * 200_000 for number in range(8)]
        store.put("a", contents[0])
        with ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(store.put, "a", content) for content in contents]
            seen = [_read(store, "a") for _ in range(50)]
            for write in writes:
                write.result()
        assert all(content in contents for content in seen)
        assert [info.path for info in store.list()] == ["a"]

    def test_who_reads_already_reads_the_old_to_its_end(self, store: ArtifactStore, tmp_path: Path) -> None:
        store.put("a", b"o" * 100_000)
        source = tmp_path / "new"
        source.write_bytes(b"n" * 50_000)
        with store.open("a") as file:
            seen = file.read(10)
            store.put("a", source)
            seen += file.read()
        assert seen == b"o" * 100_000
        assert _read(store, "a") == b"n" * 50_000

    def test_a_local_path_leads_to_the_content(self, store: ArtifactStore) -> None:
        store.put("a/b", b"here")
        path = store.local_path("a/b")
        assert path is None or path.read_bytes() == b"here"


def _read(store: ArtifactStore, key: str) -> bytes:
    with store.open(key) as file:
        return file.read()
