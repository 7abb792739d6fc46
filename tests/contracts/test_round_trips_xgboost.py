"""Random XGBoost models come back whole: boosters and wrappers, gaps, categories, several targets, early ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from .round_trips import Case, come_back_elsewhere, comes_back, drawn, few

ROWS = 30
OBJECTIVES = [
    "reg:squarederror",
    "binary:logistic",
    "multi:softprob",
    "count:poisson",
    "reg:absoluteerror",
    "rank:ndcg",
]


@st.composite
def inputs(draw):
    random = np.random.default_rng(draw(st.integers(0, 99)))
    values = random.normal(size=(ROWS, 4))
    values[random.random(values.shape) < 0.2] = np.nan
    form = draw(st.sampled_from(["float64", "float32", "frame", "categories"]))
    if form in ("float64", "float32"):
        return values.astype(form)
    table = pd.DataFrame(values, columns=["a", "b c", "ü", "d"])
    if form == "categories":
        table["d"] = pd.Categorical(random.choice(["x", "y", "z"], ROWS))
    return table


def target(objective):
    rows = np.arange(ROWS)
    return {"binary:logistic": rows % 2, "multi:softprob": rows % 3, "rank:ndcg": rows % 4}.get(objective, rows * 1.0)


@st.composite
def boosters(draw):
    given, objective = draw(inputs()), draw(st.sampled_from(OBJECTIVES))
    params = {
        "objective": objective,
        "booster": draw(st.sampled_from(["gbtree", "dart"])),
        "max_depth": draw(st.integers(1, 4)),
        "nthread": 1,
        **({"num_class": 3} if objective == "multi:softprob" else {}),
    }
    groups = {"group": [10, 20]} if objective == "rank:ndcg" else {}
    data = xgboost.DMatrix(given, target(objective), enable_categorical=True, **groups)
    stops = (
        {"early_stopping_rounds": 1, "evals": [(data, "train")], "verbose_eval": False} if draw(st.booleans()) else {}
    )
    model = xgboost.train(params, data, draw(st.integers(1, 4)), **stops)
    if draw(st.booleans()):
        model.set_attr(note="ünï")
    options = {"model_format": draw(st.sampled_from(["ubj", "json"]))}
    return Case(model, given, "xgboost", options)


@st.composite
def wrappers(draw):
    given, rows = draw(inputs()), np.arange(ROWS)
    settings = {
        "n_estimators": draw(st.integers(1, 4)),
        "max_depth": draw(st.none() | st.integers(1, 4)),
        "learning_rate": draw(st.none() | st.floats(0.01, 1)),
        "missing": draw(st.sampled_from([np.nan, -1.0])),
        "enable_categorical": True,
        "n_jobs": 1,
    }
    kind = draw(st.sampled_from(["class", "classes", "target", "targets", "forest", "stops", "linear"]))
    if kind == "linear" and isinstance(given, pd.DataFrame):
        given = given[["a", "b c"]]
    if kind in ("class", "classes", "stops"):
        model = xgboost.XGBClassifier(**settings, early_stopping_rounds=1 if kind == "stops" else None)
        labels = rows % (3 if kind == "classes" else 2)
        model.fit(given, labels, eval_set=[(given, labels)] if kind == "stops" else None, verbose=False)
        method = draw(st.sampled_from(["predict", "predict_proba"]))
        return Case(model, given, "xgboost", {"pyfunc_predict_fn": method})
    more = {"targets": {"multi_strategy": draw(st.sampled_from(["one_output_per_tree", "multi_output_tree"]))}}
    more["linear"] = {"booster": "gblinear", "max_depth": None}
    maker = xgboost.XGBRFRegressor if kind == "forest" else xgboost.XGBRegressor
    model = maker(**{**settings, **more.get(kind, {})})
    model.fit(given, np.column_stack([rows, -rows]) if kind == "targets" else rows)
    return Case(model, given, "xgboost")


@few(15)
@given(boosters())
def test_a_booster_comes_back(case):
    comes_back(case)


@few(20)
@given(wrappers())
def test_a_wrapper_comes_back(case):
    comes_back(case)
    assert case.model.get_booster().feature_names is None or list(case.inputs.columns)


def test_models_come_back_in_a_clean_interpreter():
    come_back_elsewhere(drawn(5, boosters(), wrappers()))
