"""Artifacts: whatever is logged comes back as it was, and no path leaves the run."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import steno
from PIL import Image
from steno.errors import InvalidValue, NotFound, UnsafePath
from steno.records import Tags

mpl.use("Agg")

UNSAFE = ["../x", "a/../../x", "/etc/x", "a//b", "./a", "a/", "", ".", "..", "a\\b", "a\0b", "c:/x", "a\nb"]


@pytest.fixture
def run(tracking):
    with steno.start_run() as run:
        yield run


def _paths(run, folder: str = "") -> list[str]:
    return [f.path for f in steno.Client().list_artifacts(run.run_id, folder)]


def test_files_and_folders_are_stored_under_their_names(run, tmp_path):
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "a.txt").write_text("A")
    (tmp_path / "data" / "deep" / "b.bin").write_bytes(b"\0\xff")
    steno.log_artifact("data/a.txt")
    steno.log_artifact(tmp_path / "data" / "a.txt", "some/where")
    steno.log_artifact("data")
    steno.log_artifacts("data", "contents")
    assert _paths(run) == ["a.txt", "contents", "data", "some"]
    assert _paths(run, "contents") == ["contents/a.txt", "contents/deep"]
    assert _paths(run, "data/deep") == ["data/deep/b.bin"]
    assert (tmp_path / "data" / "a.txt").exists()
    (listed,) = steno.list_artifacts(run_id=run.run_id, artifact_path="data/deep")
    assert (listed.is_dir, listed.file_size) == (False, 2)
    assert steno.load_text(f"runs:/{run.run_id}/some/where/a.txt") == "A"
    for wrong in (lambda: steno.log_artifact("nowhere.txt"), lambda: steno.log_artifacts("data/a.txt")):
        with pytest.raises(InvalidValue):
            wrong()


def test_artifacts_are_downloaded_whole(run, tmp_path):
    steno.log_text("A", "data/a.txt")
    steno.log_text("B", "data/deep/b.txt")
    local = steno.download_artifacts(run_id=run.run_id, artifact_path="data", dst_path=tmp_path / "copy")
    assert local == str(tmp_path / "copy" / "data")
    assert (tmp_path / "copy/data/deep/b.txt").read_text() == "B"
    again = steno.download_artifacts(f"runs:/{run.run_id}/data/a.txt", dst_path=tmp_path / "one")
    assert Path(again).read_text() == "A"
    whole = steno.download_artifacts(run_id=run.run_id)
    assert Path(whole, "data/a.txt").read_text() == "A"
    with pytest.raises(NotFound):
        steno.download_artifacts(run_id=run.run_id, artifact_path="nothing", dst_path=tmp_path / "n")
    for wrong in ({}, {"artifact_uri": "runs:/x/y", "run_id": "x"}, {"artifact_uri": "runs:/"}):
        with pytest.raises(InvalidValue):
            steno.download_artifacts(**wrong)


def test_text_streams_and_uris(run):
    steno.log_text("größe\n", "notes/a.txt")
    steno.log_stream(io.BytesIO(b"\0" * 100_000), "big.bin")
    assert steno.load_text(f"runs:/{run.run_id}/notes/a.txt") == "größe\n"
    assert steno.Client().list_artifacts(run.run_id)[0].file_size == 100_000
    assert steno.get_artifact_uri() == steno.get_run(run.run_id).info.artifact_uri
    assert steno.get_artifact_uri("notes") == steno.get_artifact_uri() + "/notes"
    steno.log_text("new", "notes/a.txt")
    assert steno.load_text(f"runs:/{run.run_id}/notes/a.txt") == "new"
    with pytest.raises(NotFound):
        steno.load_text(f"runs:/{run.run_id}/notes/b.txt")


VALUE = {"a": [1, 2.5, None, True], "b": {"ü": "text: with\nlines"}}


@pytest.mark.parametrize("name", ["d.json", "d.yaml", "d.yml", "d.txt"])
def test_a_dict_comes_back(run, name):
    steno.log_dict(VALUE, name)
    assert steno.load_dict(f"runs:/{run.run_id}/{name}") == VALUE


def test_a_dict_of_odd_values_becomes_json_all_the_same(run):
    day = datetime.date(2024, 1, 2)
    steno.log_dict({"when": day, "n": np.float64(1.5)}, "d.json")
    assert steno.load_dict(f"runs:/{run.run_id}/d.json")["when"] == "2024-01-02"
    steno.log_text("{ no json", "bad.json")
    steno.log_text("a: [", "bad.yaml")
    for name in ("bad.json", "bad.yaml"):
        with pytest.raises(InvalidValue, match=name):
            steno.load_dict(f"runs:/{run.run_id}/{name}")


@pytest.mark.parametrize("name", ["f.png", "f.svg", "plots/f.pdf", "f.jpg"])
def test_a_figure_is_stored_in_the_format_of_its_name(run, name):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    steno.log_figure(figure, name, save_kwargs={"dpi": 40})
    content = Path(steno.download_artifacts(run_id=run.run_id, artifact_path=name)).read_bytes()
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "jpg": b"\xff\xd8"}[name[-3:]]
    assert content.startswith(begins)


def test_what_is_no_figure_is_refused(run):
    with pytest.raises(TypeError, match="figure"):
        steno.log_figure([1, 2], "f.png")


@pytest.mark.parametrize(
    ("image", "mode"),
    [
        (np.zeros((4, 6), np.uint8), "L"),
        (np.zeros((4, 6, 1), np.int64), "L"),
        (np.full((4, 6, 3), 0.5), "RGB"),
        (np.ones((4, 6, 4), bool), "RGBA"),
        (Image.new("RGB", (6, 4)), "RGB"),
    ],
)
def test_an_image_comes_back(run, image, mode):
    steno.log_image(image, "i/i.png")
    found = steno.load_image(f"runs:/{run.run_id}/i/i.png")
    assert (found.size, found.mode) == ((6, 4), mode)


def test_floats_outside_0_to_1_are_scaled_with_a_warning(run):
    with pytest.warns(UserWarning, match="scaled"):
        steno.log_image(np.array([[-1.0, 3.0]]), "i.png")
    assert np.asarray(steno.load_image(f"runs:/{run.run_id}/i.png")).tolist() == [[0, 255]]


def test_an_image_series_has_steps_and_thumbnails(run):
    for step in range(2):
        steno.log_image(np.zeros((10, 1000, 3), np.uint8), key="val/pred", step=step)
    names = _paths(run, "images")
    assert len(names) == 4
    assert all(name.startswith("images/val~pred+step+") for name in names)
    small = next(name for name in names if name.endswith("+compressed.webp"))
    assert steno.load_image(f"runs:/{run.run_id}/{small}").size[0] == 256
    assert steno.get_run(run.run_id).data.tags[Tags.LOGGED_IMAGES] == "True"


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (np.zeros(5), {"artifact_file": "i.png"}),
        (np.zeros((2, 2, 2)), {"artifact_file": "i.png"}),
        (np.full((2, 2), 256), {"artifact_file": "i.png"}),
        (np.zeros((2, 2)), {}),
        (np.zeros((2, 2)), {"artifact_file": "i.png", "key": "k"}),
        (np.zeros((2, 2)), {"artifact_file": "i.png", "step": 1}),
        (np.zeros((2, 2)), {"key": "bad:key"}),
    ],
)
def test_what_is_no_image_is_refused(run, image, options):
    with pytest.raises(InvalidValue):
        steno.log_image(image, **options)
    assert _paths(run) == []


@pytest.mark.parametrize("name", ["t.json", "tables/t.json"])
def test_a_table_grows_and_is_read_over_runs(run, name):
    steno.log_table({"q": ["a", "b"], "n": [1, 2]}, name)
    steno.log_table(pd.DataFrame({"q": ["c"], "n": [3]}), name)
    with steno.start_run(nested=True, run_name="inner") as inner:
        steno.log_table({"q": "d", "n": 4}, name)
    table = steno.load_table(name, extra_columns=["run_id", "q"])
    rows = sorted(zip(table["n"], table["q"], table["run_id"], strict=True))
    assert rows == [(1, "a", run.run_id), (2, "b", run.run_id), (3, "c", run.run_id), (4, "d", inner.run_id)]
    assert "q_" in table.columns
    assert list(steno.load_table(name, run_ids=[inner.run_id])["n"]) == [4]
    with pytest.raises(NotFound):
        steno.load_table("other.json")


def test_images_in_a_table_become_files(run):
    steno.log_table({"image": [Image.new("L", (3, 3))], "n": [1]}, "t.json")
    cell = steno.load_table("t.json")["image"][0]
    assert cell["type"] == "image"
    assert steno.load_image(f"runs:/{run.run_id}/{cell['filepath']}").size == (3, 3)


@pytest.mark.parametrize("name", ["t.csv", "t", "a:b.json", "a'b.json"])
def test_a_table_needs_a_fitting_name(run, name):
    with pytest.raises(InvalidValue):
        steno.log_table({"a": [1]}, name)


@pytest.mark.parametrize("path", UNSAFE, ids=repr)
def test_no_path_leaves_the_run(run, tmp_path, path):
    (tmp_path / "f.txt").write_text("x")
    client = steno.Client()
    for write in (
        lambda: steno.log_text("x", path),
        lambda: steno.log_dict({}, path),
        lambda: steno.log_stream(io.BytesIO(b"x"), path),
        lambda: run.log_file(path, b"x"),
        lambda: client.log_text(run.run_id, "x", path),
        lambda: client.load_text(run.run_id, path),
        *([lambda: steno.log_artifact("f.txt", path), lambda: client.list_artifacts(run.run_id, path)] if path else []),
    ):
        with pytest.raises(UnsafePath):
            write()
    assert _paths(run) == []
    assert not (tmp_path / "x").exists()


def test_files_by_the_journal_arrive_like_others(run):
    run.log_file("small.txt", b"small")
    run.log_file("folder/large.bin", b"\1" * 100_000)
    steno.flush()
    assert _paths(run) == ["folder", "small.txt"]
    assert steno.load_text(f"runs:/{run.run_id}/small.txt") == "small"
