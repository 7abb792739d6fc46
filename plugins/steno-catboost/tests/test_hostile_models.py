"""Model files that were damaged or made to do harm: each is refused, and the process lives on."""

from __future__ import annotations

import pickle
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from steno.errors import ModelError, UntrustedTypes
from steno.models import Manifest, load_model, save_model, seal_model, untrusted_types
from steno_catboost.model_file import ModelFile, root
from steno_catboost.soundness import check

from .recorded import SMALL

STILL = {**SMALL, "allow_writing_files": False}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 3))
FRAME = pd.DataFrame(X, columns=list("abc")).assign(
    kind=RANDOM.choice(list("pqrstuvw"), 300), tag=RANDOM.choice(["x", "y"], 300)
)
y = (FRAME["kind"] < "s").astype(int) + (X[:, 0] > 0)
MODELS = {
    "even trees": lambda: CatBoostRegressor(**STILL).fit(X, X[:, 1]),
    "uneven trees": lambda: CatBoostRegressor(**STILL, grow_policy="Lossguide").fit(X, X[:, 1]),
    "categories": lambda: CatBoostClassifier(**STILL, cat_features=["kind", "tag"]).fit(FRAME, y),
    "counters": lambda: CatBoostRegressor(
        **STILL, cat_features=["kind", "tag"], simple_ctr=["Counter", "BinarizedTargetMeanValue", "Borders"]
    ).fit(FRAME, y),
}
_made: dict[str, bytes] = {}

# Loads and predicts with each file that the check lets pass, and says how often.
TRIAL = """
import pickle, sys
import catboost
sys.path[:] = {path!r}
files, rows = pickle.load(sys.stdin.buffer)
for data in files:
    try:
        model = catboost.CatBoost().load_model(blob=data)
        model.predict(rows, thread_count=1), model.feature_names_, model.classes_, model.tree_count_
    except (catboost.CatBoostError, ValueError, TypeError, LookupError, AttributeError):
        pass
print("alive")
"""


def content(name: str, tmp_path: Path) -> bytes:
    if name not in _made:
        path = tmp_path / "model.cbm"
        MODELS[name]().save_model(str(path))
        _made[name] = path.read_bytes()
    return _made[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(MODELS["even trees"](), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("name", MODELS)
def test_what_catboost_writes_is_sound(name: str, tmp_path: Path) -> None:
    check(ModelFile(content(name, tmp_path), name), name)


@pytest.mark.parametrize("name", MODELS)
def test_no_damage_that_passes_the_check_crashes_the_process(name: str, tmp_path: Path) -> None:
    chance, passed = random.Random(5), []
    for _ in range(400):
        damaged = bytearray(content(name, tmp_path))
        for _ in range(chance.choice([1, 1, 2, 4])):
            damaged[chance.randrange(8, len(damaged))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        try:
            check(ModelFile(bytes(damaged), name), name)
            passed.append(bytes(damaged))
        except ModelError:
            continue
    rows = FRAME if name in ("categories", "counters") else X
    done = subprocess.run(
        [sys.executable, "-c", TRIAL.format(path=sys.path)],
        input=pickle.dumps((passed, rows)),
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert done.stdout.decode().endswith("alive\n")
    assert passed, "nothing passed, so nothing was tried"


@pytest.mark.parametrize("name", MODELS)
def test_a_file_that_is_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    whole = content(name, tmp_path)
    for length in (0, 3, 8, 100, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ModelError):
            check(ModelFile(whole[:length], name), name)


# By field of the trees' table: what is put in place of its first number, and what is said of it.
FIELDS = {
    "a split outside": (1, "<i", 10**6, "a split lies outside"),
    "a split before the first": (1, "<i", -1, "a split lies outside"),
    "a tree of no size": (2, "<i", -4, "less than no nodes"),
    "a tree too deep": (2, "<i", 62, "do not hold all splits|do not follow"),
    "a tree somewhere else": (3, "<i", 50, "do not follow"),
}


@pytest.mark.parametrize("case", FIELDS)
def test_numbers_that_point_outside_are_refused_by_name(case: str, tmp_path: Path) -> None:
    field, form, value, said = FIELDS[case]
    data = bytearray(content("even trees", tmp_path))
    struct.pack_into(form, data, _place(bytes(data), field), value)
    with pytest.raises(ModelError, match=said):
        check(ModelFile(bytes(data), case), case)


def test_a_file_that_tells_no_version_is_refused(tmp_path: Path) -> None:
    data = bytearray(content("even trees", tmp_path))
    core = 8 + struct.unpack_from("<I", data, 8)[0]
    fields = core - struct.unpack_from("<i", data, core)[0]
    struct.pack_into("<H", data, fields + 4, 0)
    with pytest.raises(ModelError, match="no known version"):
        check(ModelFile(bytes(data), "model.cb"), "model.cb")


def test_a_child_outside_its_tree_is_refused(tmp_path: Path) -> None:
    data = bytearray(content("uneven trees", tmp_path))
    struct.pack_into("<HH", data, _place(bytes(data), 10), 60000, 60000)
    with pytest.raises(ModelError, match="a child lies outside"):
        check(ModelFile(bytes(data), "model.cb"), "model.cb")


def test_a_table_of_categories_that_never_ends_is_refused(tmp_path: Path) -> None:
    data = content("categories", tmp_path)
    full = data.replace(b"\xff" * 8 + b"\0" * 4, b"\x01" * 8 + b"\0" * 4)
    assert full != data
    with pytest.raises(ModelError, match="has no end"):
        check(ModelFile(full, "model.cb"), "model.cb")


def test_a_damaged_model_is_refused_by_its_loader(folder: Path) -> None:
    path = folder / "model.cb"
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, _place(bytes(data), 1), 10**6)
    path.write_bytes(data)
    seal_model(folder)  # whoever means harm would
    with pytest.raises(ModelError, match="could crash the process"):
        load_model(folder)


@pytest.mark.parametrize("kind", ["os.system", "CatBoostPool", "builtins.eval", 7, ["CatBoost"]])
def test_a_class_that_is_no_model_is_not_made(folder: Path, kind: object) -> None:
    manifest = Manifest.read(folder)
    manifest.flavors["catboost"]["model_type"] = kind
    manifest.write(folder)
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_class_of_a_strangers_is_named_and_not_imported(folder: Path) -> None:
    manifest = Manifest.read(folder)
    manifest.flavors["catboost"]["model_class"] = "antigravity.Model"
    manifest.write(folder)
    assert untrusted_types(folder) == ["antigravity.Model"]
    with pytest.raises(UntrustedTypes):
        load_model(folder)
    assert "antigravity" not in sys.modules


def test_another_format_is_refused_with_the_remedy(folder: Path) -> None:
    manifest = Manifest.read(folder)
    manifest.flavors["catboost"]["save_format"] = "json"
    manifest.write(folder)
    with pytest.raises(ModelError, match="save it anew as 'cbm'"):
        load_model(folder)


def test_texts_and_embeddings_have_to_be_trusted(tmp_path: Path) -> None:
    vectors = pd.DataFrame({"a": X[:, 0], "e": [list(row) for row in X]})
    model = CatBoostClassifier(**STILL, embedding_features=["e"]).fit(vectors, (X[:, 0] > 0).astype(int))
    save_model(model, tmp_path / "model")
    (name,) = untrusted_types(tmp_path / "model")
    assert name.startswith("catboost.embed")
    with pytest.raises(UntrustedTypes):
        load_model(tmp_path / "model")
    loaded = load_model(tmp_path / "model", trusted=[name])
    assert np.array_equal(loaded.predict(vectors), model.predict(vectors))


def test_a_model_that_is_not_fitted_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not fitted"):
        save_model(CatBoostClassifier(), tmp_path / "model", flavor="catboost")


def _place(data: bytes, field: int) -> int:
    """Return where the first element of a vector of the trees lies in a file."""
    size = struct.unpack_from("<I", data, 4)[0]
    core = memoryview(data)[8 : 8 + size]
    trees = root(core).table(1)
    at = trees._target(trees._place(field))
    return 8 + at + 4
