"""Identical files lie once, whatever is deleted, edited, damaged or put at the same time."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steno.errors import UnsafePath
from steno_files import sharing, store
from steno_files.store import FileStore

BIG = os.urandom(100_000)


@pytest.fixture
def runs(tmp_path):
    """Stores of three runs of an experiment, as the embedded store lays them out."""
    return [FileStore(f"{tmp_path}/artifacts/0/{uuid4().hex}/artifacts") for _ in range(3)]


def place(of: FileStore, key: str) -> Path:
    found = of.local_path(key)
    assert found is not None
    return found


def inodes(stores, key="model/weights"):
    return {place(each, key).stat().st_ino for each in stores}


def test_the_same_bytes_lie_once_for_all_runs_and_models_of_all_experiments(tmp_path):
    roots = [f"0/{uuid4().hex}", f"17/{uuid4().hex}", f"17/models/m-{uuid4().hex}"]
    stores = [FileStore(f"{tmp_path}/artifacts/{root}/artifacts") for root in roots]
    (tmp_path / "source").write_bytes(BIG)
    stores[0].put("model/weights", BIG)
    stores[1].put("model/weights", tmp_path / "source")
    stores[2].put("model/weights", tmp_path / "source", move=True)
    assert not (tmp_path / "source").exists()
    assert len(inodes(stores)) == 1
    assert place(stores[0], "model/weights").stat().st_nlink == 3
    assert all(place(each, "model/weights").read_bytes() == BIG for each in stores)
    assert [info.path for each in stores for info in each.list("model")] == ["model/weights"] * 3


def test_experiments_in_places_of_their_own_share_among_their_runs(tmp_path):
    stores = [FileStore(f"{tmp_path}/mine/{uuid4().hex}/artifacts") for _ in range(2)]
    for each in stores:
        each.put("model/weights", BIG)
    assert len(inodes(stores)) == 1
    assert {each.shares for each in stores} == {f"{tmp_path}/mine"} == {FileStore(f"{tmp_path}/mine").shares}


def test_a_root_of_no_known_layout_shares_within_itself_and_writes_nothing_beside(tmp_path):
    root = FileStore(f"{tmp_path}/home/artifacts")
    for key in ("model/weights", "again"):
        root.put(key, BIG)
    assert len({place(root, key).stat().st_ino for key in ("model/weights", "again")}) == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["artifacts"]
    assert [info.path for info in root.list()] == ["again", "model"]


def test_small_files_are_not_worth_it(runs):
    for each in runs:
        each.put("model/weights", b"1" * (sharing.SMALLEST_BYTES - 1))
    assert len(inodes(runs)) == 3


def test_what_is_shared_cannot_be_changed_in_place_and_is_replaced_for_one_path_only(runs):
    for each in runs[:2]:
        each.put("model/weights", BIG)
    assert place(runs[0], "model/weights").stat().st_mode & 0o777 == 0o444
    runs[0].put("model/weights", BIG[::-1])
    assert place(runs[1], "model/weights").read_bytes() == BIG


def test_putting_the_same_again_at_the_same_place_leaves_one_file(runs):
    for _ in range(3):
        runs[0].put("model/weights", BIG)
    assert [path.name for path in place(runs[0], "model").iterdir()] == ["weights"]


def test_room_is_free_as_soon_as_the_last_path_is_gone_and_the_index_holds_none(runs, tmp_path):
    for each in runs[:2]:
        each.put("model/weights", BIG)
    runs[1].delete("model")
    runs[2].put("model/weights", BIG)
    assert len(inodes([runs[0], runs[2]])) == 1
    assert runs[0].tidy() == sharing.Sharing(1, 2, len(BIG))
    runs[0].delete()
    shutil.rmtree(place(runs[2], ""))  # by hand
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1000
    assert runs[0].tidy() == sharing.Sharing()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_that_was_edited_or_damaged_is_never_given_to_another(runs):
    runs[0].put("model/weights", BIG)
    path = place(runs[0], "model/weights")
    path.chmod(0o644)
    path.write_bytes(BIG[:-1] + b"?" * (1 if BIG[-1:] != b"?" else 2))
    runs[1].put("model/weights", BIG)
    assert place(runs[1], "model/weights").read_bytes() == BIG
    runs[2].put("model/weights", BIG)
    assert len(inodes(runs[1:])) == 1


@pytest.mark.parametrize(
    "refusal", [PermissionError(1, "no links here"), OSError(31, "too many"), NotImplementedError()]
)
def test_a_file_system_without_links_gets_copies(runs, monkeypatch, refusal):
    def link(*_, **__):
        raise refusal

    monkeypatch.setattr(sharing.os, "link", link)
    for each in runs:
        each.put("model/weights", BIG)
    assert len(inodes(runs)) == 3
    assert all(place(each, "model/weights").read_bytes() == BIG for each in runs)


def test_an_index_that_leads_out_or_over_links_is_not_followed(runs, tmp_path):
    (tmp_path / "outside").write_bytes(BIG)
    runs[0].put("model/weights", BIG)
    (entry,) = (tmp_path / "artifacts/.steno-same").glob("??/*")
    path = place(runs[0], "model/weights")
    path.unlink()
    path.symlink_to(tmp_path / "outside")
    entry.write_text(f"../outside\n{path.relative_to(tmp_path / 'artifacts')}\n")
    runs[1].put("model/weights", BIG)
    assert (tmp_path / "outside").stat().st_nlink == 1
    assert place(runs[1], "model/weights").stat().st_nlink == 1


def test_the_index_is_no_artifact(runs, tmp_path):
    root = FileStore(str(tmp_path / "artifacts"))
    runs[0].put("model/weights", BIG)
    assert [info.path for info in root.list()] == ["0"]
    for key in (".steno-same/ab/cd", "0/.steno-x"):
        for call in (
            lambda key=key: root.put(key, b"1"),
            lambda key=key: root.open(key),
            lambda key=key: root.list(key),
        ):
            with pytest.raises(UnsafePath):
                call()


def test_many_at_once_put_delete_and_tidy_without_losing_a_byte(tmp_path):
    contents = [bytes([number]) * 70_000 for number in range(3)]

    def work(number: int) -> None:
        mine = FileStore(f"{tmp_path}/artifacts/0/{uuid4().hex}/artifacts")
        for turn in range(12):
            content = contents[(number + turn) % 3]
            mine.put("a", content)
            with mine.open("a") as file:
                assert file.read() == content
            if turn % 3 == 2:
                mine.delete("a")
                mine.tidy()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert not list(tmp_path.rglob(f"{store._UNFINISHED}[0-9a-f]*"))


steps = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["put", "delete", "tidy"])), max_size=25
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_whatever_happens_every_path_reads_what_was_put_there_last(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("any")
    stores = [FileStore(f"{folder}/artifacts/0/{number:032x}/artifacts") for number in range(3)]
    there: dict[int, bytes] = {}
    for which, content, step in steps:
        if step == "put":
            there[which] = bytes([content]) * 66_000
            stores[which].put("model/weights", there[which])
        elif step == "delete":
            there.pop(which, None)
            stores[which].delete("model")
        else:
            stores[which].tidy()
    for number, each in enumerate(stores):
        path = place(each, "model/weights")
        assert (path.read_bytes() if path.exists() else None) == there.get(number)
    distinct = len(set(there.values()))
    assert len(inodes([stores[number] for number in there])) == distinct
