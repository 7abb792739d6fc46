"""Files that hold nothing but trusted types, with content that would crash the process: refused before use."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeClassifier
from steno.errors import ModelError
from steno.models import load_model, save_model, seal_model

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
y = (X[:, 0] > 0).astype(int)


def rewrite(folder, change):
    """Let `change` edit the entries of the skops file."""
    with zipfile.ZipFile(folder / "model.skops") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    seal_model(folder)


def array_of(field):
    """Find the array entry whose dtype has a field."""

    def find(files):
        for name, content in files.items():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content), allow_pickle=False)
                if field in (array.dtype.names or ()):
                    return name, array
        raise AssertionError(f"no array has a field {field}")

    return find


def with_array(field, edit):
    def change(files):
        name, array = array_of(field)(files)
        edit(array)
        buffer = io.BytesIO()
        np.save(buffer, array)
        files[name] = buffer.getvalue()

    return change


def setter(field, value, where=0):
    def edit(array):
        array[field][where] = value

    return edit


TREES = {
    "tree": lambda: DecisionTreeClassifier(random_state=0).fit(X, rng.integers(0, 2, 80)),
    "forest": lambda: RandomForestClassifier(2, random_state=0).fit(X, rng.integers(0, 2, 80)),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=2).fit(X, X[:, 1]),
    "isolation": lambda: IsolationForest(n_estimators=2, random_state=0).fit(X),
}
BAD_NODES = {
    "a child far outside": setter("left_child", 10**9),
    "a negative child": setter("right_child", -5),
    "a circle": setter("left_child", 0),
    "a feature far outside": setter("feature", 10**6),
    "a negative feature": setter("feature", -2),
}


@pytest.mark.parametrize("edit", BAD_NODES.values(), ids=BAD_NODES)
@pytest.mark.parametrize("make", TREES.values(), ids=TREES)
def test_a_tree_that_points_outside_is_refused_before_it_can_predict(make, edit, tmp_path):
    save_model(make(), tmp_path / "model")
    load_model(tmp_path / "model")
    rewrite(tmp_path / "model", with_array("left_child", edit))
    with pytest.raises(ModelError, match="indices point outside"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("make", TREES.values(), ids=TREES)
def test_an_ensemble_that_lets_narrow_data_through_to_wide_trees_is_refused(make, tmp_path):
    model = make()
    model.n_features_in_ = 1
    save_model(model, tmp_path / "model")
    with pytest.raises(ModelError, match="indices point outside"):
        load_model(tmp_path / "model")


def test_a_boosted_model_with_more_trees_a_stage_than_it_makes_room_for_is_refused(tmp_path):
    model = TREES["boosting"]()
    model.estimators_ = np.hstack([model.estimators_] * 50)
    save_model(model, tmp_path / "model")
    with pytest.raises(ModelError, match="indices point outside"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    "edit",
    [
        setter("left", 10**9),
        setter("right", 0),
        setter("feature_idx", 10**6),
        setter("feature_idx", -1),
        lambda nodes: nodes.__setitem__("is_leaf", 0),
        lambda nodes: (nodes["is_categorical"].__setitem__(0, 1), nodes["bitset_idx"].__setitem__(0, 99)),
    ],
    ids=["child outside", "circle", "feature outside", "feature negative", "no leaf", "bitset outside"],
)
def test_a_histogram_tree_that_points_outside_is_refused(edit, tmp_path):
    save_model(HistGradientBoostingClassifier(max_iter=2).fit(X, y), tmp_path / "model")
    load_model(tmp_path / "model")
    rewrite(tmp_path / "model", with_array("feature_idx", edit))
    with pytest.raises(ModelError, match="indices point outside"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    "edit",
    [setter("idx_end", 10**9), setter("idx_start", -1), lambda nodes: nodes.__setitem__("is_leaf", 0)],
    ids=["end outside", "start negative", "no leaf"],
)
@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_a_neighbour_index_that_points_outside_is_refused(algorithm, edit, tmp_path):
    save_model(KNeighborsClassifier(algorithm=algorithm, leaf_size=5).fit(X, y), tmp_path / "model")
    load_model(tmp_path / "model")
    rewrite(tmp_path / "model", with_array("idx_end", edit))
    with pytest.raises(ModelError, match="indices point outside"):
        load_model(tmp_path / "model")


def test_a_spline_with_fewer_weights_than_its_knots_need_is_refused(tmp_path):
    model = SplineTransformer().fit(X)
    model.bsplines_[0].c = model.bsplines_[0].c[:2]
    save_model(model, tmp_path / "model")
    with pytest.raises(ModelError, match="indices point outside"):
        load_model(tmp_path / "model")
