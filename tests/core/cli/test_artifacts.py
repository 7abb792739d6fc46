"""`steno artifacts` on real files."""

from __future__ import annotations

import pytest
from steno.tracking import places


@pytest.fixture
def filled(seeded):
    """Gives the run "first" some artifacts."""
    uri = seeded.store.get_run("0" * 24 + "aaaa0001").info.artifact_uri
    store = places.artifact_store(uri)
    store.put("notes.txt", "größe\n".encode())
    store.put("model/MLmodel", b"flavors: {}\n")
    store.put("model/data/weights.bin", b"\x00\xff" * 1024)
    return store


def test_a_listing_is_one_folder_or_everything_below(steno, steno_json, filled):
    assert [one["path"] for one in steno_json("artifacts", "list", "first")] == ["model", "notes.txt"]
    paths = [one["path"] for one in steno_json("artifacts", "list", "first", "-r")]
    assert paths == ["model", "model/MLmodel", "model/data", "model/data/weights.bin", "notes.txt"]
    rows = [line.split() for line in steno("artifacts", "list", "first", "model").stdout.splitlines()[2:]]
    assert rows == [["model/MLmodel", "12", "B"], ["model/data/"]]


def test_a_text_is_printed(steno, steno_json, filled):
    assert steno("artifacts", "show", "first", "notes.txt").stdout == "größe\n"
    assert steno_json("artifacts", "show", "first", "notes.txt") == {
        "path": "notes.txt",
        "size_bytes": 8,
        "text": "größe\n",
    }


def test_what_is_no_text_is_not_printed(steno, filled):
    result = steno("artifacts", "show", "first", "model/data/weights.bin", status=1)
    assert (result.stdout, "is no text" in result.stderr) == ("", True)
    filled.put("huge.txt", b"x" * (4 * 1024 * 1024 + 1))
    assert "larger than 4.0 MiB" in steno("artifacts", "show", "first", "huge.txt", status=1).stderr


def test_a_run_is_downloaded_whole(steno, filled, tmp_path):
    steno("artifacts", "download", "first", "-d", tmp_path / "all")
    assert (tmp_path / "all" / "model" / "data" / "weights.bin").read_bytes() == b"\x00\xff" * 1024
    assert (tmp_path / "all" / "notes.txt").read_text("utf-8") == "größe\n"
    assert not list((tmp_path / "all").rglob("*.part"))


def test_a_folder_or_file_is_downloaded_under_its_own_name(steno, steno_json, filled, tmp_path):
    (path,) = steno_json("artifacts", "download", "first", "model/data", "-d", tmp_path / "one")["files"]
    assert path == str(tmp_path / "one" / "data" / "weights.bin")
    steno("artifacts", "download", "first", "model/MLmodel", "-d", tmp_path / "one")
    assert (tmp_path / "one" / "MLmodel").read_bytes() == b"flavors: {}\n"


@pytest.mark.parametrize("path", ["nope", "../../steno.db", "/etc/passwd"])
def test_what_is_not_there_or_not_ours_is_not_downloaded(steno, filled, tmp_path, path):
    steno("artifacts", "download", "first", path, "-d", tmp_path / "out", status=1)
    assert not [found for found in tmp_path.glob("out/**/*") if found.is_file()]


def test_a_run_without_artifacts_says_so(steno, seeded):
    assert "has no artifacts" in steno("artifacts", "download", "second", status=1).stderr
