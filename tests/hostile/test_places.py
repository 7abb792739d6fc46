"""Where a model lies and what it names: nothing is read from elsewhere, written elsewhere, or followed for ever."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import steno
from steno.errors import InvalidValue, ModelError, NotFound, StenoError, UnsafePath
from steno.models import load_model, load_pyfunc, untrusted_types
from steno.records import FileInfo
from steno.tracking.artifacts import fetch

from .conftest import told
from .disguises import CANARY, npy_header, plain, zipped
from .doors import loaders
from .folders import change, copied

OUTSIDE = ["../secret", "/etc/hostname", "a/../../secret", "..", ".", "data/../../secret", "a\\..\\b", "C:\\x", "a\nb"]
NAMES = {
    "sklearn": [("sklearn", "pickled_model"), ("python_function", "code")],
    "xgboost": [("xgboost", "data")],
    "lightgbm": [("lightgbm", "data")],
    "catboost": [("catboost", "data")],
    "pytorch": [("pytorch", "model_data")],
    "keras": [("keras", "data")],
    "python": [("python_function", "python_model"), ("python_function", "code")],
}


@pytest.mark.parametrize("model", NAMES)
def test_no_name_in_a_model_leads_out_of_it(model, models, tmp_path):
    (tmp_path / "secret").write_bytes(plain())
    folder = copied(models, model, tmp_path / "model")
    text, trusted = (folder / "MLmodel").read_text("utf-8"), [*untrusted_types(folder), "x"]
    for section, key in NAMES[model]:
        for name in OUTSIDE:
            change(folder, lambda content, s=section, k=key, n=name: content["flavors"][s].update({k: n}))
            for enter in (load_model, load_pyfunc):
                with pytest.raises(UnsafePath):
                    enter(folder, trusted=trusted)
            (folder / "MLmodel").write_text(text, "utf-8")


@pytest.mark.parametrize("model", NAMES)
def test_no_file_of_a_model_may_be_a_link_or_a_pipe(model, models, tmp_path):
    trusted = untrusted_types(models / model)
    for kind in ("link", "folder", "pipe"):
        folder = copied(models, model, tmp_path / kind)
        files = [path for path in folder.rglob("*") if path.is_file() and path.name.startswith(("model.", "python_m"))]
        assert files
        for path in files:
            moved = tmp_path / f"{kind}-{path.name}"
            path.rename(moved)
            if kind == "link":
                path.symlink_to(moved)
            elif kind == "folder":
                path.mkdir()
            else:
                os.mkfifo(path)
        for enter in (load_model, load_pyfunc):
            with pytest.raises((ModelError, UnsafePath)):
                enter(folder, trusted=trusted)


def test_a_folder_on_the_way_may_not_be_a_link(models, tmp_path):
    for model in ("pytorch", "keras"):
        folder = copied(models, model, tmp_path / model)
        (folder / "data").rename(tmp_path / f"{model}-data")
        (folder / "data").symlink_to(tmp_path / f"{model}-data")
        with pytest.raises(UnsafePath, match="symbolic link"):
            load_model(folder)


SLIPS = ["../canary/x", "/canary/x", "a/../../canary/x", "..\\canary\\x", "./../canary/x"]


@pytest.mark.parametrize("name", SLIPS)
@pytest.mark.parametrize("file", ["model.skops", "data/model.keras"])
def test_an_archive_with_names_that_climb_writes_nothing(file, name, models, tmp_path):
    model = "keras" if "keras" in file else "sklearn"
    folder = copied(models, model, tmp_path / "a" / "b" / "model")
    with zipfile.ZipFile(folder / file, "a") as archive:
        archive.writestr(name, b"x")
    before = sorted(tmp_path.rglob("*"))
    for enter in loaders(model).values():
        with suppress(ModelError):
            enter(folder)
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/canary").exists()


def test_an_archive_is_not_unpacked_by_a_download(models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    (folder / "more.zip").write_bytes(zipped({"../../canary/x": b"x"}))
    got = Path(steno.artifacts.download_artifacts(str(folder), dst_path=tmp_path / "got"))
    assert zipfile.is_zipfile(got / "more.zip")


@pytest.mark.parametrize(
    "kind", ["link to a file", "link to a folder", "link to its own folder", "links to each other"]
)
def test_a_download_follows_no_link_out_and_none_for_ever(kind, models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("secret")
    links = {
        "link to a file": [("x", tmp_path / "secret" / "file")],
        "link to a folder": [("x", tmp_path / "secret")],
        "link to its own folder": [("x", folder), ("y", folder), ("z", folder)],
        "links to each other": [("x", folder / "y"), ("y", folder / "x")],
    }
    for name, target in links[kind]:
        (folder / name).symlink_to(target)
    try:
        got = Path(steno.artifacts.download_artifacts(str(folder), dst_path=tmp_path / "got"))
    except StenoError:
        got = tmp_path / "got"
    assert sum(1 for _ in got.rglob("*")) < 20
    assert "secret" not in [path.read_text() for path in got.rglob("*") if path.name in ("x", "file")]


class Listing:
    """A store of artifacts by a stranger: it lists what it likes."""

    uri = "listing:"

    def __init__(self, listed: dict[str, list[FileInfo]]) -> None:
        self._listed = listed

    def list(self, key: str = "") -> list[FileInfo]:
        return self._listed.get(key, [])

    def open(self, key: str) -> io.BytesIO:
        return io.BytesIO(b"x")

    def local_path(self, key: str = "") -> None:
        return None


@pytest.mark.parametrize(
    "listed",
    [
        {"": [FileInfo("..", True)], "..": [FileInfo("../canary", False, 1)]},
        {"": [FileInfo("../canary", False, 1)]},
        {"": [FileInfo("/canary", False, 1)]},
        {"": [FileInfo("a", True)], "a": [FileInfo("a/..", True)], "a/..": [FileInfo("a/../..", True)]},
        {"": [FileInfo("a", True)], "a": [FileInfo("a", True)]},
        {"": [FileInfo("a", True)], "a": [FileInfo("", True)]},
        {"": [FileInfo("a/b", False, 1)]},
        {"": [FileInfo("a\\..\\canary", False, 1)]},
    ],
)
def test_a_store_that_lists_what_lies_elsewhere_writes_nothing(listed, tmp_path):
    with pytest.raises(UnsafePath):
        fetch(Listing(listed), "", tmp_path / "deep" / "target")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


SOURCES = [
    "models:/x/1/../../..",
    "models:/../x",
    "models:/x@../y",
    "models://evil/x/1",
    "runs:/../x",
    "runs:/" + "0" * 32 + "/../../x",
    "/tmp/%2e%2e/etc",
    "s3://bucket/../x",
    "javascript:alert(1)",
    "\0",
    "",
    "models:/",
    "runs:/",
]


@pytest.mark.parametrize("uri", SOURCES)
def test_no_uri_leads_anywhere_but_to_a_model(uri, tracking, tmp_path):
    client = steno.Client()
    client.create_registered_model("x")
    ways = [
        lambda: steno.load_model(uri),
        lambda: steno.pyfunc.load_model(uri),
        lambda: steno.pyfunc.get_model_dependencies(uri),
        lambda: steno.artifacts.download_artifacts(uri),
        lambda: steno.register_model(uri, "x"),
    ]
    with told() as events:
        for way in ways:
            with pytest.raises((InvalidValue, NotFound, ModelError)):
                way()
    assert events == []


def test_versions_that_are_copies_of_each_other_end(tracking, models):
    client = steno.Client()
    client.create_registered_model("x")
    client.create_model_version("x", str(models / "sklearn"))
    with pytest.raises(StenoError):
        client.create_model_version("x", "models:/x/2")
    client.create_model_version("x", "models:/x/1")
    assert load_model(client.get_model_version_download_uri("x", "2")) is not None


def test_a_source_that_is_no_model_is_told_at_registration(tracking, tmp_path):
    for path in ("/etc", "/dev/zero", "/proc/self", str(tmp_path / "nothing")):
        with pytest.raises(StenoError):
            steno.register_model(path, "x")


ARRAYS = {
    "larger than any memory": npy_header(f"({2**50},)"),
    "of a negative size": npy_header("(-1,)"),
    "of code": npy_header("__import__('os').mkdir('canary')"),
    "of nothing": b"\x93NUMPY\x01\x00\xff\xff",
}


@pytest.mark.parametrize("what", ARRAYS)
def test_an_array_in_a_skops_file_is_judged_before_it_is_made(what, models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    with zipfile.ZipFile(folder / "model.skops") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    changed = {name: ARRAYS[what] if name.endswith(".npy") else data for name, data in files.items()}
    assert changed != files
    (folder / "model.skops").write_bytes(zipped(changed))
    with pytest.raises(ModelError):
        load_model(folder)
    assert not Path(CANARY).exists()


def test_arrays_of_objects_in_a_skops_file_are_not_unpickled(models, disguises, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    with zipfile.ZipFile(folder / "model.skops") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for bad in ("npy", "npz"):
        changed = {name: disguises[bad] if name.endswith(".npy") else data for name, data in files.items()}
        (folder / "model.skops").write_bytes(zipped(changed))
        with told() as events, pytest.raises(ModelError):
            load_model(folder)
        assert events == []


def test_an_example_whose_indices_point_outside_is_refused(models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    content = '{"data": [1.0, 1.0], "indices": [1000000000, -7], "indptr": [0, 2], "shape": [1, 4]}'
    (folder / "input_example.json").write_text(content, "utf-8")
    for kind in ("sparse_matrix_csr", "sparse_matrix_csc"):
        change(folder, lambda each, k=kind: each["saved_input_example_info"].update(type=k))
        with pytest.raises(ModelError):
            _ = np.asarray(steno.pyfunc.load_model(folder).input_example.todense())


def test_an_example_lies_in_the_model(models, tmp_path):
    (tmp_path / "secret").write_text("[1]", "utf-8")
    folder = copied(models, "sklearn", tmp_path / "model")
    shutil.copy(tmp_path / "secret", folder / "here")
    (folder / "link").symlink_to(tmp_path / "secret")
    for name in ("../secret", str(tmp_path / "secret"), "link"):
        change(folder, lambda each, n=name: each["saved_input_example_info"].update(artifact_path=n))
        with pytest.raises(UnsafePath):
            _ = steno.pyfunc.load_model(folder).input_example
