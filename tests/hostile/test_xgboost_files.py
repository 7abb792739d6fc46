"""Model files of unknown origin: what is damaged or hostile is refused before XGBoost follows it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import steno
import xgboost
from steno.errors import ModelError, UntrustedTypes
from steno.models import load_model, save_model
from steno_xgboost import model_file, soundness

X = np.random.default_rng(0).normal(size=(120, 4))
y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(np.where(X[:, 1] > 0, "up", "down"))})
PARAMS = {"nthread": 1, "max_depth": 3}


def boosters():
    """A booster of every kind that a file can hold, and what it predicts from."""
    labels = np.digitize(X[:, 0], [-0.5, 0.5])
    dart = {**PARAMS, "booster": "dart", "objective": "multi:softprob", "num_class": 3, "rate_drop": 0.5}
    wide = {**PARAMS, "tree_method": "hist", "multi_strategy": "multi_output_tree"}
    categories = xgboost.DMatrix(FRAME, y, enable_categorical=True)
    return {
        "trees": (xgboost.train({**PARAMS, "objective": "binary:logistic"}, xgboost.DMatrix(X, y), 2), X),
        "dart": (xgboost.train(dart, xgboost.DMatrix(X, labels), 2), X),
        "linear": (xgboost.train({"booster": "gblinear", "nthread": 1}, xgboost.DMatrix(X, y), 2), X),
        "categories": (xgboost.train({**PARAMS, "max_cat_to_onehot": 1}, categories, 2), FRAME),
        "several outputs": (xgboost.train(wide, xgboost.DMatrix(X, np.stack([y, 1 - y], 1)), 2), X),
        "pruned": (xgboost.train({**PARAMS, "tree_method": "exact", "gamma": 5.0}, xgboost.DMatrix(X, X[:, 1]), 2), X),
    }


BOOSTERS = boosters()


@pytest.mark.parametrize("form", ["ubj", "json"])
@pytest.mark.parametrize("kind", BOOSTERS)
def test_what_xgboost_writes_is_sound_and_read_as_xgboost_reads_it(kind, form):
    booster, _ = BOOSTERS[kind]
    content = model_file.read(bytes(booster.save_raw(form)), "model")
    soundness.check(content, "model")
    expected = json.loads(booster.save_raw("json"))["learner"]

    def same(one, other):
        if isinstance(other, dict):
            assert one.keys() == other.keys()
            for key in other:
                same(one[key], other[key])
        elif isinstance(other, list) and not (other and isinstance(other[0], dict | str)):
            np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=1e-6, atol=1e-30)
        elif isinstance(other, list):
            for pair in zip(one, other, strict=True):
                same(*pair)
        else:
            assert one == other

    same(content["learner"], expected)


def tree_of(content):
    return content["learner"]["gradient_booster"]["model"]["trees"][0]


CRIMES = {
    "a child outside": lambda content: tree_of(content)["left_children"].__setitem__(0, 10**6),
    "a negative child": lambda content: tree_of(content)["right_children"].__setitem__(0, -7),
    "a circle": lambda content: tree_of(content)["left_children"].__setitem__(1, 0),
    "a parent outside": lambda content: tree_of(content)["parents"].__setitem__(1, 10**6),
    "a feature outside": lambda content: tree_of(content)["split_indices"].__setitem__(0, 4_000_000),
    "a short list": lambda content: tree_of(content)["split_conditions"].pop(),
    "more nodes than there are": lambda content: tree_of(content)["tree_param"].update(num_nodes="100000"),
    "an output outside": lambda content: content["learner"]["gradient_booster"]["model"]["tree_info"].__setitem__(0, 9),
    "a base score too many": lambda content: content["learner"]["learner_model_param"].update(base_score="[1,2,3]"),
    "a number that is none": lambda content: content["learner"]["learner_model_param"].update(num_feature="-4"),
    "no trees": lambda content: content["learner"]["gradient_booster"]["model"].pop("trees"),
    "a booster nobody knows": lambda content: content["learner"]["gradient_booster"].update(name="gbmagic"),
}


@pytest.mark.parametrize("crime", CRIMES)
def test_what_points_outside_is_refused(crime):
    content = json.loads(BOOSTERS["trees"][0].save_raw("json"))
    soundness.check(content, "model")
    CRIMES[crime](content)
    with pytest.raises(ModelError, match="damaged or hostile"):
        soundness.check(content, "model")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{L",
        b"{}",
        b"[]",
        b'{"learner": ',
        b'{"learner": 1, "learner": 2}',
        b"{" * 50,
        b"{L" + (2**62).to_bytes(8, "big") + b"learner",
        b"{L" + (1).to_bytes(8, "big") + b"a[#L" + (2**40).to_bytes(8, "big") + b"}",
        b"{L" + (1).to_bytes(8, "big") + b"a[$l#L" + (-1).to_bytes(8, "big", signed=True) + b"}",
        b'{"a":' * 100_000,
        "{'a': 1}".encode("utf-16"),
        b"\x80\x04K\x01.",
    ],
    ids=str,
)
def test_what_is_no_model_is_an_error_of_ours(data):
    with pytest.raises(ModelError):
        soundness.check(model_file.read(data, "model"), "model")


def test_the_old_binary_format_is_refused_with_a_remedy():
    with pytest.raises(ModelError, match="save it anew"):
        model_file.read(b"binf\x00\x00", "model.xgb")


FOLLOW = """
import sys, numpy as np, pandas as pd, xgboost
from pathlib import Path
X = np.random.default_rng(0).normal(size=(120, 4))
frame = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(np.where(X[:, 1] > 0, "up", "down"))})
followed = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(path.read_bytes()))
        matrix = xgboost.DMatrix(frame if path.name.startswith("categories") else X, enable_categorical=True)
        booster.predict(matrix)
        booster.predict(matrix, pred_leaf=True)
        if xgboost.__version__ >= "3":  # before, asking that of trees with several outputs ends the process
            booster.get_score(importance_type="gain")
        booster.save_raw()
        followed += 1
    except ValueError:
        pass
print(followed)
"""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A file with some bytes changed, or a number made large, or a part copied elsewhere."""
    changed, way = bytearray(data), chance.random()
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(changed) - 8)
        if way < 0.6:
            changed[at] = chance.randrange(256) if data[1:2] == b"L" else chance.choice(b"0123456789-.e,[]{}nt")
        elif way < 0.8:
            changed[at : at + 4] = chance.choice(
                [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x64", b"9999"]
            )
        else:
            origin, length = chance.randrange(len(changed) - 8), chance.randrange(1, 9)
            changed[at : at + length] = changed[origin : origin + length]
    return bytes(changed)


def test_no_damaged_file_that_passes_crashes_the_process(tmp_path):
    chance, passed = random.Random(7), 0
    (tmp_path / "files").mkdir()
    originals = [
        (kind, bytes(booster.save_raw(form))) for kind, (booster, _) in BOOSTERS.items() for form in ("ubj", "json")
    ]
    for number in range(1500):
        kind, data = originals[number % len(originals)]
        data = mutated(data, chance)
        try:
            soundness.check(model_file.read(data, "model"), "model")
        except ModelError:
            continue
        passed += 1
        (tmp_path / "files" / f"{kind} {number}").write_bytes(data)
    assert passed > 50
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FOLLOW, str(tmp_path / "files")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 0


def saved(folder: Path) -> Path:
    save_model(BOOSTERS["trees"][0], folder)
    return folder


def claim(folder: Path, name: str) -> None:
    """Let a model say that it is of another class."""
    text = (folder / "MLmodel").read_text("utf-8")
    (folder / "MLmodel").write_text(text.replace("xgboost.core.Booster", name), "utf-8")


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "pathlib.Path", "xgboost.sklearn.train"])
def test_a_class_that_is_not_xgboosts_is_asked_for_and_never_made(tmp_path, name):
    folder = saved(tmp_path / "model")
    claim(folder, name)
    with pytest.raises(UntrustedTypes) as caught:
        load_model(folder)
    assert caught.value.types == (name,)
    with pytest.raises(ModelError, match="neither a Booster nor one"):
        load_model(folder, trusted=[name])


@pytest.mark.parametrize("name", ["os", "'os.system()'", "5", "'a..b'", "[x]"])
def test_what_names_no_class_is_an_error(tmp_path, name):
    folder = saved(tmp_path / "model")
    claim(folder, name)
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_model_of_another_kind_than_its_class_is_an_error(tmp_path):
    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, y)
    save_model(model, tmp_path / "model")
    text = (tmp_path / "model" / "MLmodel").read_text("utf-8")
    (tmp_path / "model" / "MLmodel").write_text(text.replace("XGBClassifier", "XGBRegressor"), "utf-8")
    with pytest.raises(ModelError, match="no model that this XGBoost can load"):
        load_model(tmp_path / "model")


def test_a_model_without_a_class_is_a_booster(tmp_path):
    folder = saved(tmp_path / "model")
    lines = (folder / "MLmodel").read_text("utf-8").splitlines(keepends=True)
    (folder / "MLmodel").write_text("".join(line for line in lines if "model_class" not in line), "utf-8")
    assert type(load_model(folder)) is xgboost.Booster


def test_params_of_a_stranger_are_set_only_where_they_are_params(tmp_path):
    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, y)
    save_model(model, tmp_path / "model")
    text = (tmp_path / "model" / "MLmodel").read_text("utf-8")
    text = text.replace("      n_estimators: 2\n", "      n_estimators: 2\n      predict: 1\n      _Booster: x\n")
    (tmp_path / "model" / "MLmodel").write_text(text, "utf-8")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_what_is_no_model_of_xgboosts_is_not_saved(tmp_path):
    with pytest.raises(ModelError, match="neither a Booster nor"):
        steno.xgboost.save_model(object(), tmp_path / "model")
