"""The seal of a model: what was written is what is read, or an error names the file; without one all is as before."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest
import yaml
from sklearn.linear_model import LinearRegression
from steno.errors import DamagedModel, ModelError, StenoError, UnsafePath
from steno.models import Manifest, load_model, load_pyfunc, save_model, seal, seal_model, untrusted_types


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "mine.py"
    source.write_text("x = 1\n")
    save_model(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "model", code_paths=[source])
    return tmp_path / "model"


def content(folder):
    return yaml.safe_load((folder / "MLmodel").read_text())


def test_every_file_the_model_is_made_from_is_in_the_seal(folder):
    told = content(folder)["file_digests"]
    assert sorted(told) == ["code/mine.py", "model.skops"]
    for name, each in told.items():
        data = (folder / name).read_bytes()
        assert each == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize("read", [load_model, load_pyfunc, untrusted_types])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "added"])
def test_damage_is_one_sentence_that_names_the_file_before_anything_is_read(harm, read, folder):
    path = folder / "model.skops"
    data = path.read_bytes()
    if harm == "cut":
        path.write_bytes(data[:-7])
        message = f"model.skops has {len(data) - 7} bytes in place of {len(data)}"
    elif harm == "changed":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        message = "model.skops was changed"
    elif harm == "gone":
        path.unlink()
        message = "model.skops is missing"
    else:
        (folder / "code" / "json.py").write_text("raise SystemExit")
        message = "code/json.py was added"
    with pytest.raises(DamagedModel, match=message) as caught:
        read(folder)
    assert caught.value.files == (message,)
    assert caught.value.error_code == "DATA_LOSS"
    assert "Nothing was read" in str(caught.value)


def test_every_damaged_file_is_named_at_once(folder):
    (folder / "model.skops").write_bytes(b"")
    (folder / "code" / "mine.py").unlink()
    with pytest.raises(DamagedModel) as caught:
        load_model(folder)
    assert len(caught.value.files) == 2


def test_a_change_that_was_meant_is_sealed_anew(folder):
    (folder / "code" / "mine.py").write_text("x = 2\n")
    with pytest.raises(DamagedModel, match=r"steno\.models\.seal_model"):
        load_model(folder)
    seal_model(folder)
    assert load_model(folder).coef_ == pytest.approx(1.0)


def test_what_describes_the_environment_may_be_edited_in_place(folder):
    for name in ("requirements.txt", "conda.yaml", "python_env.yaml"):
        (folder / name).write_text("changed")
    (folder / "registered_model_meta").write_text("model_name: x\n")
    (folder / "code" / "__pycache__").mkdir()
    (folder / "code" / "__pycache__" / "mine.pyc").write_bytes(b"x")
    assert load_model(folder).coef_ == pytest.approx(1.0)


def test_a_model_without_a_seal_loads_as_it_always_did(folder):
    without = content(folder)
    del without["file_digests"]
    (folder / "MLmodel").write_text(yaml.safe_dump(without))
    (folder / "code" / "mine.py").write_text("x = 2\n")
    assert Manifest.read(folder).file_digests is None
    assert load_model(folder).coef_ == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (["model.skops"], ModelError),
        ({"model.skops": "x"}, ModelError),
        ({"model.skops": {"bytes": 1}}, ModelError),
        ({"model.skops": {"sha256": "x"}}, DamagedModel),
        ({"../mine.py": {"bytes": 6, "sha256": "x"}}, UnsafePath),
        ({"/etc/hostname": {"bytes": 6, "sha256": "x"}}, UnsafePath),
        ({7: {"bytes": 6, "sha256": "x"}}, StenoError),
    ],
)
def test_a_seal_that_misleads_is_refused(told, error, folder):
    (folder / "MLmodel").write_text(yaml.safe_dump({**content(folder), "file_digests": told}))
    with pytest.raises(error):
        load_model(folder)


def test_a_large_file_is_read_piece_by_piece(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 * 2**20)
    tracemalloc.start()
    told = seal.digests(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told["large"]["bytes"] == 200 * 2**20
    assert peak < 4 * 2**20
