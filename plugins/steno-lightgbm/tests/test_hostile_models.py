"""Model files of unknown origin: what is damaged or hostile is refused before LightGBM follows it."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from steno.errors import ModelError, UntrustedTypes
from steno.models import load_model, save_model, seal_model
from steno_lightgbm import model_text

X = np.random.default_rng(0).normal(size=(200, 4))
y = (X[:, 0] > 0).astype(int)
KINDS = np.random.default_rng(1).choice(list("uvwxyz"), 200)
FRAME = pd.DataFrame({"a b": X[:, 0], "k": pd.Categorical(KINDS), "c": X[:, 1]})
PARAMS = {"num_threads": 1, "num_leaves": 4, "min_data_in_leaf": 5, "verbose": -1}
BY_GROUP = {**PARAMS, "cat_smooth": 1, "min_data_per_group": 5, "max_cat_to_onehot": 1}
CLASSES = np.digitize(X[:, 0], [-0.5, 0.5])


def own(predictions, dataset):
    return predictions - dataset.get_label(), np.ones(len(predictions))


def trained(params, data=X, labels=y, **more):
    return lightgbm.train({**PARAMS, **params}, lightgbm.Dataset(data, labels, **more), 2)


def boosters():
    """A booster of every kind that a file can hold."""
    return {
        "binary": trained({"objective": "binary"}),
        "several classes": trained({"objective": "multiclass", "num_class": 3}, labels=CLASSES),
        "one against all": trained({"objective": "multiclassova", "num_class": 3, "boosting": "dart"}, labels=CLASSES),
        "categories": trained({**BY_GROUP, "objective": "binary"}, FRAME, np.isin(KINDS, list("uvz")).astype(int)),
        "linear leaves": trained({"objective": "regression", "linear_tree": True}, labels=X[:, 1]),
        "a forest": trained({"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}),
        "an objective of one's own": trained({"objective": own}),
        "ranks": trained({"objective": "lambdarank"}, group=[10] * 20),
        "one leaf": trained({"objective": "regression"}, labels=np.ones(200)),
        "constraints": trained({"objective": "poisson", "monotone_constraints": [1, 0, 0, 0]}, labels=np.abs(X[:, 1])),
        "a setting": trained({"objective": "quantile", "alpha": 0.3, "reg_sqrt": True}, labels=X[:, 1]),
    }


TEXTS = {kind: booster.model_to_string() for kind, booster in boosters().items()}


@pytest.mark.parametrize("kind", TEXTS)
def test_what_lightgbm_writes_is_sound(kind):
    model_text.check(TEXTS[kind], "model")
    model_text.check(lightgbm.Booster(model_str=TEXTS[kind]).model_to_string(), "model")


def changed(text, key, value, number=0):
    """Exchange a value of a tree or of the header, and make the lengths of the trees fit."""
    head, *trees = re.split(r"(?=^Tree=)", text, flags=re.MULTILINE)
    if re.search(rf"^{key}=", head, flags=re.MULTILINE):
        return re.sub(rf"^{key}=.*$", f"{key}={value}", text, count=1, flags=re.MULTILINE)
    before = len(trees[number])
    trees[number] = re.sub(rf"^{key}=.*$", f"{key}={value}", trees[number], count=1, flags=re.MULTILINE)
    sizes = re.search(r"^tree_sizes=(.*)$", head, flags=re.MULTILINE)[1].split(" ")
    sizes[number] = str(int(sizes[number]) + len(trees[number]) - before)
    head = re.sub(r"^tree_sizes=.*$", "tree_sizes=" + " ".join(sizes), head, flags=re.MULTILINE)
    return head + "".join(trees)


CRIMES = {
    "a child outside": ("binary", "left_child", "1000000 -1 -2"),
    "a circle": ("binary", "left_child", "0 -1 -2"),
    "a leaf outside": ("binary", "right_child", "2 -3 -4000"),
    "a leaf twice": ("binary", "right_child", "2 -3 -3"),
    "a feature outside": ("binary", "split_feature", "4000000 0 1"),
    "a negative feature": ("binary", "split_feature", "-3 0 1"),
    "a short list": ("binary", "threshold", "1.5"),
    "a list too long": ("binary", "leaf_value", "1 2 3 4 5"),
    "more leaves than there are": ("binary", "num_leaves", "100000"),
    "no leaves": ("binary", "num_leaves", "0"),
    "a kind of split nobody knows": ("binary", "decision_type", "2 2 99"),
    "categories of none": ("binary", "decision_type", "2 2 1"),
    "a list of categories outside": ("categories", "cat_boundaries", "0 1000000"),
    "a set of categories that is none": ("categories", "cat_threshold", "-1"),
    "a leaf's feature outside": ("linear leaves", "leaf_features", "9  9  9  9  "),
    "more features than a leaf has": ("linear leaves", "num_features", "100 1 1 1"),
    "trees of other lengths": ("binary", "tree_sizes", "10 1000000"),
    "a negative length": ("binary", "tree_sizes", "-1 5"),
    "more outputs than trees": ("binary", "num_tree_per_iteration", "3"),
    "no outputs": ("binary", "num_tree_per_iteration", "0"),
    "more features than names": ("binary", "max_feature_idx", "2000000000"),
    "an objective with other outputs": ("several classes", "objective", "multiclass num_class:500"),
    "an objective without a name": ("binary", "objective", ""),
    "a ranking of several outputs": ("several classes", "objective", "lambdarank"),
    "a number that is none": ("binary", "num_class", "1e3"),
    "a format nobody knows": ("binary", "version", "v9"),
}


@pytest.mark.parametrize("crime", CRIMES)
def test_what_points_outside_is_refused(crime):
    kind, key, value = CRIMES[crime]
    number = 1 if kind == "linear leaves" else 0
    text = changed(TEXTS[kind], key, value, number)
    assert text != TEXTS[kind]
    with pytest.raises(ModelError, match="damaged or hostile"):
        model_text.check(text, "model")


@pytest.mark.parametrize(
    "text",
    ["", "tree", "tree\n\n", "\n" * 50, "tree\n=\n\nx", "x" * 10**6, "tree\nversion=v4\n\nend of trees\n", "\x00"],
)
def test_what_is_no_model_is_an_error_of_ours(text):
    with pytest.raises(ModelError):
        model_text.check(text, "model")


FOLLOW = """
import sys, lightgbm, numpy as np
from pathlib import Path
X = np.random.default_rng(0).normal(size=(50, 4))
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        booster = lightgbm.Booster(model_str=path.read_text("utf-8"))
    except lightgbm.basic.LightGBMError:
        continue
    for way in ({}, {"pred_leaf": True}, {"pred_contrib": True}, {"raw_score": True}):
        try:
            booster.predict(X[:, : booster.num_feature()], num_threads=1, **way)
        except lightgbm.basic.LightGBMError:
            pass
print("alive")
"""


def damaged(text, chance):
    """Damage a text at one place, within a tree or its header, with the lengths of the trees made to fit or not."""
    lines = text[: text.index("end of trees")].split("\n")
    key, sign, value = chance.choice([line for line in lines if "=" in line]).partition("=")
    values = value.split(" ")
    odd = ["-1", "0", "1", "3", "255", "4294967295", "-2147483648", "nan", "inf", "0.5", "", "1 1", "x"]
    values[chance.randrange(len(values))] = chance.choice(odd)
    new = f"{key}{sign}{' '.join(values)}"
    if chance.random() < 0.2:
        return text.replace(f"{key}{sign}{value}", new, 1)
    return changed(text, key, new.partition("=")[2])


def test_what_is_let_through_does_not_crash_lightgbm(tmp_path):
    chance = random.Random(7)
    let_through = refused = 0
    for number in range(1500):
        text = damaged(TEXTS[chance.choice(list(TEXTS))], chance)
        try:
            model_text.check(text, "model")
        except ModelError:
            refused += 1
            continue
        let_through += 1
        (tmp_path / f"{number}.txt").write_text(text, "utf-8")
    assert let_through > 100
    assert refused > 500
    command = [sys.executable, "-c", FOLLOW, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.endswith("alive\n"), (done.returncode, done.stderr[-500:])


# -- wrappers ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    return lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, n_jobs=1, verbose=-1).fit(X, y)


def rewritten(folder: Path, change) -> None:
    """Change the list of parts in a wrapper's file."""
    path = folder / "model.skops"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    change(schema)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, json.dumps(schema) if name == "schema.json" else data)
    seal_model(folder)  # whoever means harm would


def state_of(schema):
    return schema["content"]["content"]["_Booster"]["content"]["content"]


def evil_text(schema):
    return json.dumps(changed(json.loads(state_of(schema)["_handle"]["content"]), "left_child", "9999999 -1 -2"))


def _evil(schema):
    state_of(schema)["_handle"]["content"] = evil_text(schema)


def _other_name(schema):
    text, state = evil_text(schema), state_of(schema)
    state["handle"] = {**state.pop("_handle"), "content": text}


def _same_number(schema):
    first = {**state_of(schema)["_handle"], "content": evil_text(schema)}
    schema["content"]["content"]["boosting_type"] = first


def _called(schema):
    schema["content"]["content"]["_Booster"]["__loader__"] = "ReduceNode"


def _no_text(schema):
    state_of(schema)["_handle"]["content"] = "[1, 2]"


def _nothing(schema):
    schema["content"]["content"]["_Booster"]["content"] = None


@pytest.mark.parametrize("change", [_evil, _other_name, _same_number, _called, _no_text, _nothing])
def test_a_wrapper_with_a_booster_that_was_not_judged_is_refused(fitted, tmp_path, change):
    save_model(fitted, tmp_path / "model")
    rewritten(tmp_path / "model", change)
    with pytest.raises((ModelError, UntrustedTypes)):
        load_model(tmp_path / "model")


def test_a_wrapper_that_is_another_estimator_is_refused(fitted, tmp_path):
    from sklearn.linear_model import Ridge

    save_model(fitted, tmp_path / "model")
    save_model(Ridge().fit(X, y), tmp_path / "other")
    (tmp_path / "model" / "model.skops").write_bytes((tmp_path / "other" / "model.skops").read_bytes())
    seal_model(tmp_path / "model")
    with pytest.raises(ModelError, match="none of LightGBM's wrappers"):
        load_model(tmp_path / "model")
