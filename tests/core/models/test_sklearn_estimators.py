"""Every estimator scikit-learn lists is fitted, saved, and comes back without a question."""

from __future__ import annotations

import inspect
import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import is_regressor
from sklearn.cluster import Birch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from steno.errors import ModelError, UntrustedTypes
from steno.models import load_model, save_model
from steno_sklearn.unwritable import CANNOT

rng = np.random.default_rng(0)
X = np.abs(rng.normal(size=(60, 4))) + 0.1
y = (X[:, 0] > 0.7).astype(int)
Y2 = np.column_stack([y, 1 - y])
TARGET = X @ [1.0, 2.0, 0.5, 0.1] + 0.5
DOCUMENTS = ["one two three", "two three four", "five one two"]

# Answers that draw random numbers at each call.
DRAWN = {("BernoulliRBM", "score_samples")}

ARGUMENTS = {
    "ClassifierChain": {"estimator": LogisticRegression()},
    "ColumnTransformer": {"transformers": [("scale", StandardScaler(), [0, 1]), ("rest", "passthrough", slice(2, 4))]},
    "FeatureUnion": {"transformer_list": [("scale", StandardScaler())]},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "FrozenEstimator": {"estimator": LogisticRegression().fit(X, y)},
    "GaussianRandomProjection": {"n_components": 2},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}, "cv": 2},
    "HalvingGridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}, "cv": 2},
    "HalvingRandomSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [0.1, 1.0]}, "cv": 2},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "NuSVC": {"nu": 0.1},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "Pipeline": {"steps": [("scale", StandardScaler()), ("fit", LogisticRegression())]},
    "RANSACRegressor": {"min_samples": 10},
    "RFE": {"estimator": LogisticRegression()},
    "RFECV": {"estimator": LogisticRegression(), "cv": 2},
    "RandomizedSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": [0.1, 1.0]},
        "cv": 2,
        "n_iter": 2,
    },
    "RegressorChain": {"estimator": Ridge()},
    "SelectFromModel": {"estimator": DecisionTreeClassifier()},
    "SequentialFeatureSelector": {"estimator": LogisticRegression(), "cv": 2},
    "SparseCoder": {"dictionary": np.eye(4)},
    "SparseRandomProjection": {"n_components": 2},
    "StackingClassifier": {"estimators": [("a", LogisticRegression())], "cv": 2},
    "StackingRegressor": {"estimators": [("a", Ridge())], "cv": 2},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression(), "cv": 2},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "VotingClassifier": {"estimators": [("a", LogisticRegression())]},
    "VotingRegressor": {"estimators": [("a", Ridge())]},
}
INPUTS = {
    "CCA": (X, np.column_stack([TARGET, X[:, 1]])),
    "ClassifierChain": (X, Y2),
    "CountVectorizer": (DOCUMENTS, None),
    "DictVectorizer": ([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], None),
    "FeatureHasher": ([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], None),
    "HashingVectorizer": (DOCUMENTS, None),
    "IsotonicRegression": (X[:, 0], TARGET),
    "KernelCenterer": (X @ X.T, None),
    "LabelBinarizer": (y, None),
    "LabelEncoder": (y, None),
    "MultiLabelBinarizer": ([("a", "b"), ("a",)], None),
    "MultiOutputClassifier": (X, Y2),
    "MultiOutputRegressor": (X, Y2),
    "MultiTaskElasticNet": (X, Y2),
    "MultiTaskElasticNetCV": (X, Y2),
    "MultiTaskLasso": (X, Y2),
    "MultiTaskLassoCV": (X, Y2),
    "PLSCanonical": (X, np.column_stack([TARGET, X[:, 1]])),
    "PLSSVD": (X, np.column_stack([TARGET, X[:, 1]])),
    "PatchExtractor": (rng.normal(size=(2, 12, 12)), None),
    "RegressorChain": (X, Y2),
    "TfidfVectorizer": (DOCUMENTS, None),
}


def estimators():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401

        return {name: cls for name, cls in all_estimators() if f"{cls.__module__}.{name}" not in CANNOT}


def arguments(name, cls):
    """What to make one with; some said `base_estimator` until scikit-learn 1.6 or 1.7."""
    given = dict(ARGUMENTS.get(name, {}))
    if "estimator" in given and "estimator" not in inspect.signature(cls).parameters:
        given["base_estimator"] = given.pop("estimator")
    return given


def fitted(name, cls):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about convergence on tiny data or old names, not about models on disk
        model = cls(**arguments(name, cls))
        inputs, target = INPUTS.get(name, (X, TARGET if is_regressor(model) else y))
        model.fit(inputs) if target is None else model.fit(inputs, target)
    return model, inputs


def answers(model, inputs):
    """What the model makes of the inputs, by each of its methods that answers."""
    found = {}
    for method in ("predict", "predict_proba", "decision_function", "transform", "kneighbors", "score_samples"):
        if hasattr(model, method) and (type(model).__name__, method) not in DRAWN:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[method] = getattr(model, method)(inputs)
    return {method: value.toarray() if sparse.issparse(value) else value for method, value in found.items()}


@pytest.mark.filterwarnings("ignore:Class .* is deprecated:FutureWarning")  # of the estimator, wherever one is made
@pytest.mark.parametrize(("name", "cls"), estimators().items(), ids=estimators())
def test_a_standard_model_loads_back_without_a_question_and_answers_the_same(name, cls, tmp_path):
    model, inputs = fitted(name, cls)
    save_model(model, tmp_path / "model", flavor="sklearn")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is cls
    expected, given = answers(model, inputs), answers(loaded, inputs)
    assert expected.keys() == given.keys()
    for method in expected:
        if np.asarray(expected[method]).dtype.kind == "f":
            # skops brings arrays back in C order; BLAS rounds the last bit differently for the other order.
            np.testing.assert_allclose(given[method], expected[method], rtol=1e-10, atol=1e-12, err_msg=method)
        else:
            np.testing.assert_array_equal(given[method], expected[method], err_msg=method)


def test_what_cannot_be_kept_is_one_estimator_and_its_reason_is_told():
    """The list is not longer than it has to be: each on it is refused, by itself and inside another."""
    assert CANNOT.keys() == {"sklearn.cluster._birch.Birch"}
    for cls, reason in ((Birch, CANNOT["sklearn.cluster._birch.Birch"]),):
        model, _ = fitted(cls.__name__, cls)
        for whole in (model, Pipeline([("scale", StandardScaler()), ("last", model)])):
            with pytest.raises(ModelError, match=re.escape(reason)):
                save_model(whole, "model", flavor="sklearn")


def test_what_skops_cannot_hold_is_refused_with_the_remedy_and_kept_by_cloudpickle(tmp_path):
    model, inputs = fitted("Birch", Birch)
    with pytest.raises(ModelError, match="serialization_format='cloudpickle'"):
        save_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    save_model(model, tmp_path / "model", serialization_format="cloudpickle")
    with pytest.raises(UntrustedTypes) as caught:
        load_model(tmp_path / "model")
    loaded = load_model(tmp_path / "model", trusted=caught.value.types)
    np.testing.assert_array_equal(loaded.predict(inputs), model.predict(inputs))
