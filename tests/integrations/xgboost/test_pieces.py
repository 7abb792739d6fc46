"""A large model that is written a few rounds at a time is, byte by byte, what XGBoost writes at once."""

from __future__ import annotations

import json
import threading

import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from steno_xgboost import flavor, pieces

ROWS = 40
rng = np.random.default_rng(0)
X = rng.normal(size=(ROWS, 4))
y = rng.integers(0, 3, ROWS)
pytestmark = pytest.mark.skipif(int(xgboost.__version__.split(".")[0]) < 3, reason="left to XGBoost's own writer")


@st.composite
def boosters(draw):
    kind = draw(st.sampled_from(["one", "classes", "targets", "vectors", "categories"]))
    params = {"nthread": 1, "max_depth": draw(st.integers(1, 4)), "num_parallel_tree": draw(st.integers(1, 3))}
    rounds, labels, names = draw(st.integers(2, 7)), X[:, 0], draw(st.sampled_from([None, ["a", "b c", "ü", "trees"]]))
    if kind == "classes":
        params |= {"objective": "multi:softprob", "num_class": 3}
        labels = y
    if kind in ("targets", "vectors"):
        labels = X[:, :2]
    if kind == "vectors":
        params |= {"multi_strategy": "multi_output_tree", "num_parallel_tree": 1}
    types = ["q", "q", "q", "c"] if kind == "categories" else None
    data = xgboost.DMatrix(np.c_[X[:, :3], y], labels, feature_names=names, feature_types=types)
    stops = {"early_stopping_rounds": 1, "evals": [(data, "t")], "verbose_eval": False} if draw(st.booleans()) else {}
    model = xgboost.train(params, data, rounds, **stops)
    if kind not in ("classes", "vectors") and draw(st.booleans()):  # rounds of other numbers of trees
        model = xgboost.train({**params, "num_parallel_tree": 2}, data, 2, xgb_model=model)
    if draw(st.booleans()):
        model.set_attr(note="ünï", trees='"trees":[')
    return model


@st.composite
def wrappers(draw):
    kind, stop = draw(st.sampled_from(["Classifier", "Regressor", "Ranker"])), draw(st.booleans())
    given = {"qid": np.zeros(ROWS)} if kind == "Ranker" else {}
    model = getattr(xgboost, f"XGB{kind}")(n_estimators=draw(st.integers(2, 6)), max_depth=2, n_jobs=1)
    if stop and not given:
        return model.set_params(early_stopping_rounds=1).fit(X, y, eval_set=[(X, y[::-1])], verbose=False)
    return model.fit(X, y, **given)


@given(boosters() | wrappers(), st.integers(1, 30_000))
@settings(max_examples=25)
def test_every_piece_size_gives_the_file_that_xgboost_writes(tmp_path_factory, model, piece_bytes):
    whole, path = (tmp_path_factory.getbasetemp() / name for name in ("whole.ubj", "pieces.ubj"))
    model.save_model(whole)
    expected = whole.read_bytes()
    booster = model if isinstance(model, xgboost.Booster) else model.get_booster()
    done = pieces.write(model, path, large_bytes=0, piece_bytes=piece_bytes)
    assert done == (booster.num_boosted_rounds() > 1)
    assert not done or path.read_bytes() == expected
    model.save_model(whole)
    assert whole.read_bytes() == expected, "the model is as it was"


def of_trees(count):
    """The one tree of a small model, over and over."""
    content = json.loads(xgboost.train({"max_depth": 1}, xgboost.DMatrix(X, X[:, 0]), 1).save_raw("json"))
    model = content["learner"]["gradient_booster"]["model"]
    trees = [{**model["trees"][0], "id": number} for number in range(count)]
    model |= {"trees": trees, "tree_info": [0] * count, "iteration_indptr": list(range(count + 1))}
    model["gbtree_model_param"]["num_trees"] = str(count)
    return xgboost.Booster(model_file=bytearray(json.dumps(content).encode()))


@pytest.mark.parametrize("trees", [127, 128, 129])
def test_numbers_of_trees_take_as_many_bytes_as_xgboost_gives_them(tmp_path, trees):
    model = of_trees(trees)
    model.save_model(tmp_path / "whole.ubj")
    assert pieces.write(model, tmp_path / "pieces.ubj", large_bytes=0)
    assert (tmp_path / "pieces.ubj").read_bytes() == (tmp_path / "whole.ubj").read_bytes()


@pytest.mark.parametrize("booster", ["dart", "gblinear"])
def test_what_is_not_made_of_rounds_of_trees_is_left_to_xgboost(tmp_path, booster):
    params = {"nthread": 1, "booster": booster, "objective": "multi:softprob", "num_class": 3}
    model = xgboost.train(params, xgboost.DMatrix(X, y), 3)
    assert not pieces.write(model, tmp_path / "pieces.ubj", large_bytes=0)


def test_the_categories_of_a_table_which_slices_lose_are_kept(tmp_path):
    frame = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(y)})
    model = xgboost.train({"nthread": 1}, xgboost.DMatrix(frame, y, enable_categorical=True), 3)
    model.save_model(tmp_path / "whole.ubj")
    if pieces.write(model, tmp_path / "pieces.ubj", large_bytes=0):
        assert (tmp_path / "pieces.ubj").read_bytes() == (tmp_path / "whole.ubj").read_bytes()


def test_a_model_predicts_while_it_is_written(tmp_path, monkeypatch):
    model = xgboost.train({"nthread": 1, "max_depth": 6}, xgboost.DMatrix(X, X[:, 0]), 300)
    data = xgboost.DMatrix(X)
    expected, ended, odd = model.predict(data), threading.Event(), []

    def ask():
        while not ended.is_set():
            if (model.predict(data) != expected).any():
                odd.append(True)

    asking = threading.Thread(target=ask)
    asking.start()
    monkeypatch.setattr(pieces.write, "__kwdefaults__", {"large_bytes": 0, "piece_bytes": 1000})
    try:
        info = flavor.flavor.save(model, tmp_path)
    finally:
        ended.set()
        asking.join()
    assert not odd
    assert (flavor.flavor.load(tmp_path, info.conf, trusted=()).predict(data) == expected).all()
