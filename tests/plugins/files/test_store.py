"""Artifacts in a folder, beyond the published suite: links, moves, rights, failures."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from steno.errors import InvalidValue, NotFound, StoreError, UnsafePath
from steno_files.store import FileStore


def test_a_path_and_a_file_uri_name_the_same_folder(tmp_path):
    FileStore(str(tmp_path / "größe x")).put("a", b"1")
    for uri in ((tmp_path / "größe x").as_uri(), f"file:{tmp_path}/größe x", f"file://localhost{tmp_path}/größe x"):
        assert [info.path for info in FileStore(uri).list()] == ["a"]


@pytest.mark.parametrize("uri", ["", "s3://bucket/x", "file://otherhost/x", "file://", "file:"])
def test_a_uri_that_names_no_folder_of_this_machine_is_refused(uri):
    with pytest.raises(InvalidValue):
        FileStore(uri)


def test_a_relative_path_keeps_its_place_when_the_working_directory_changes(tmp_path, monkeypatch):
    store = FileStore("artifacts")
    monkeypatch.chdir("/")
    store.put("a", b"1")
    assert (tmp_path / "artifacts/a").read_bytes() == b"1"


def test_nothing_is_made_before_the_first_artifact(tmp_path):
    store = FileStore(str(tmp_path / "root"))
    assert store.list() == []
    store.delete()
    assert not (tmp_path / "root").exists()


@pytest.fixture
def fenced(tmp_path):
    """A store with links that lead out of it and a secret outside."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    store = FileStore(str(tmp_path / "root"))
    store.put("inside/a", b"1")
    root = tmp_path / "root"
    (root / "file").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "inside/up").symlink_to("../..")
    return store


@pytest.mark.parametrize("key", ["file", "folder/x", "inside/up/secret", "inside/up/outside/x"])
def test_a_link_that_leads_out_is_not_followed(fenced, tmp_path, key):
    for call in (lambda: fenced.open(key), lambda: fenced.put(key, b"bad"), lambda: fenced.delete(key)):
        with pytest.raises(UnsafePath):
            call()
    with pytest.raises(UnsafePath):
        fenced.list("folder")
    with pytest.raises(UnsafePath):
        fenced.local_path(key)
    assert (tmp_path / "secret").read_text() == "secret"
    assert list((tmp_path / "outside").iterdir()) == []


def test_deleting_everything_stops_at_links(fenced, tmp_path):
    fenced.delete()
    assert (tmp_path / "secret").read_text() == "secret"
    assert (tmp_path / "outside").is_dir()


def test_a_link_that_stays_inside_is_followed(tmp_path):
    store = FileStore(str(tmp_path))
    store.put("real/a", b"1")
    (tmp_path / "alias").symlink_to("real")
    with store.open("alias/a") as file:
        assert file.read() == b"1"


def test_a_link_to_nothing_is_not_listed(tmp_path):
    store = FileStore(str(tmp_path))
    store.put("a", b"1")
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    assert [info.path for info in store.list()] == ["a"]


def test_a_moved_file_is_renamed_not_copied(tmp_path):
    source = tmp_path / "big"
    source.write_bytes(b"1" * 1000)
    inode = source.stat().st_ino
    FileStore(str(tmp_path / "root")).put("a", source, move=True)
    assert (tmp_path / "root/a").stat().st_ino == inode
    assert not source.exists()


def test_a_linked_file_is_moved_by_its_content(tmp_path):
    (tmp_path / "real").write_bytes(b"content")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    store = FileStore(str(tmp_path / "root"))
    store.put("a", link, move=True)
    with store.open("a") as file:
        assert file.read() == b"content"
    assert not link.is_symlink()
    assert (tmp_path / "real").read_bytes() == b"content"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_a_file_of_another_file_system_is_moved_too(tmp_path):
    source = Path("/dev/shm") / f"steno-test-{os.getpid()}"
    source.write_bytes(b"far away")
    try:
        store = FileStore(str(tmp_path))
        store.put("a", source, move=True)
        with store.open("a") as file:
            assert file.read() == b"far away"
        assert not source.exists()
    finally:
        source.unlink(missing_ok=True)


def test_artifacts_are_readable_as_other_files_are(tmp_path):
    code = "import os; os.umask(0o027); from steno_files.store import FileStore; FileStore('root').put('a', b'1')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
    assert stat.S_IMODE((tmp_path / "root/a").stat().st_mode) == 0o640


def test_a_put_that_fails_leaves_nothing_behind(tmp_path):
    store = FileStore(str(tmp_path / "root"))
    store.put("a/b", b"1")
    for key in ("a", "a/b/c"):
        with pytest.raises(StoreError):
            store.put(key, b"2")
    with pytest.raises(NotFound):
        store.put("x", tmp_path)
    with pytest.raises(StoreError):
        store.put("n" * 300, b"2")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["root", "root/a", "root/a/b"]
