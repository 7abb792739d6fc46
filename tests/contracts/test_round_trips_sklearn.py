"""Random scikit-learn models come back whole: any nesting, any labels, any inputs, odd but legal settings."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from hypothesis import given, reject
from hypothesis import strategies as st
from scipy import sparse
from sklearn import ensemble, linear_model, multiclass, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from .round_trips import Case, come_back_elsewhere, comes_back, drawn, few

ROWS, SEEDS = 24, st.none() | st.integers(0, 9) | st.builds(np.random.RandomState, st.integers(0, 9))
LABELS = [
    [0, 1],
    [-1, 7, 10**12],
    ["no", "yes"],
    ["a", "b", "ünï\n"],
    [False, True],
    np.array(["x", "y"], object),
    np.array([0.0, 1.0], "float32"),
    np.array([3, 5], "uint8"),
]
SCALERS = st.one_of(
    st.builds(StandardScaler, with_mean=st.just(False), with_std=st.booleans()),
    st.builds(MaxAbsScaler),
    st.builds(RobustScaler, with_centering=st.just(False)),
    st.builds(
        FunctionTransformer, st.sampled_from([None, np.abs, np.sqrt]).map(lambda each: each), validate=st.just(False)
    ).filter(lambda each: each.func is not np.sqrt),
    st.builds(TruncatedSVD, st.just(2), random_state=st.just(1)),
    st.just("passthrough"),
)
POSITIVE = st.floats(0.01, 100) | st.floats(0.01, 100).map(np.float32) | st.just(np.float64(2))
DEPTHS = st.none() | st.integers(1, 4) | st.integers(1, 4).map(np.int64)


def weights(labels):
    return (
        st.none()
        | st.just("balanced")
        | st.builds(lambda w: dict(zip(labels, w, strict=True)), st.tuples(*[st.floats(0.5, 2)] * len(labels)))
    )


def classifiers(labels):
    weighted = weights([each.item() if isinstance(each, np.generic) else each for each in labels])
    return st.one_of(
        st.builds(linear_model.LogisticRegression, C=POSITIVE, class_weight=weighted, fit_intercept=st.booleans()),
        st.builds(linear_model.SGDClassifier, loss=st.sampled_from(["hinge", "log_loss", "huber"]), random_state=SEEDS),
        st.builds(linear_model.RidgeClassifier, class_weight=weighted),
        st.builds(tree.DecisionTreeClassifier, max_depth=DEPTHS, class_weight=weighted, random_state=SEEDS),
        st.builds(
            ensemble.RandomForestClassifier,
            st.integers(1, 3),
            max_depth=DEPTHS,
            random_state=SEEDS,
            oob_score=st.just(False),
        ),
        st.builds(ensemble.ExtraTreesClassifier, st.integers(1, 3), bootstrap=st.booleans(), random_state=SEEDS),
        st.builds(neighbors.KNeighborsClassifier, st.integers(1, 4), weights=st.sampled_from(["uniform", "distance"])),
        st.builds(svm.SVC, kernel=st.sampled_from(["linear", "rbf", "poly"]), C=POSITIVE, class_weight=weighted),
        st.builds(naive_bayes.BernoulliNB, alpha=POSITIVE),
    )


def meta_classifiers(inner):
    return st.one_of(
        st.builds(
            ensemble.BaggingClassifier,
            inner,
            st.just(2),
            random_state=st.integers(0, 9),
            max_features=st.sampled_from([1.0, 2]),
        ),
        st.builds(multiclass.OneVsRestClassifier, inner),
        st.builds(CalibratedClassifierCV, inner, method=st.sampled_from(["sigmoid", "isotonic"]), cv=st.just(2)),
        st.builds(lambda one, two: ensemble.VotingClassifier([("one", one), ("two", two)]), inner, inner),
        st.builds(lambda one: ensemble.StackingClassifier([("one", one)], cv=2, passthrough=True), inner),
        st.builds(lambda one, scale: Pipeline([("scale", scale), ("fit", one)]), inner, SCALERS),
        st.builds(lambda one: make_pipeline(SelectKBest(f_classif, k=2), one), inner),
        st.builds(lambda one, a, b: make_pipeline(FeatureUnion([("a", a), ("b", b)]), one), inner, SCALERS, SCALERS),
    )


REGRESSORS = st.one_of(
    st.builds(linear_model.Ridge, alpha=POSITIVE, positive=st.booleans()),
    st.builds(linear_model.Lasso, alpha=st.floats(0.01, 1), warm_start=st.booleans()),
    st.builds(linear_model.HuberRegressor, alpha=st.floats(0.01, 1)),
    st.builds(
        tree.DecisionTreeRegressor, max_depth=DEPTHS, criterion=st.sampled_from(["squared_error", "absolute_error"])
    ),
    st.builds(ensemble.GradientBoostingRegressor, n_estimators=st.just(2), loss=st.sampled_from(["huber", "quantile"])),
    st.builds(neighbors.KNeighborsRegressor, metric=st.sampled_from(["euclidean", "manhattan", "cosine"])),
    st.builds(neural_network.MLPRegressor, hidden_layer_sizes=st.just((3,)), max_iter=st.just(2), random_state=SEEDS),
    st.builds(svm.SVR, gamma=st.sampled_from(["scale", "auto", 0.5])),
)


def meta_regressors(inner):
    return st.one_of(
        st.builds(
            TransformedTargetRegressor,
            inner,
            func=st.just(np.log1p),
            inverse_func=st.just(np.expm1),
            check_inverse=st.just(False),
        ),
        st.builds(ensemble.AdaBoostRegressor, inner, n_estimators=st.just(2), random_state=SEEDS),
        st.builds(lambda one: make_pipeline(SelectKBest(f_regression, k=2), one), inner),
        st.builds(lambda one, scale: make_pipeline(scale, one), inner, SCALERS),
        st.builds(lambda one: ensemble.StackingRegressor([("one", one)], cv=2), inner),
    )


@st.composite
def arrays(draw, forms=("numpy", "fortran", "float32", "pandas", "csr", "csc")):
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(ROWS, 4))
    form = draw(st.sampled_from(forms))
    if form == "fortran":
        return np.asfortranarray(values)
    if form == "float32":
        return values.astype("float32")
    if form == "pandas":
        return pd.DataFrame(values, columns=["a", "b c", "ü", "0"])
    return getattr(sparse, f"{form}_matrix")(values) if form in ("csr", "csc") else values


def fitted(model, inputs, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of training on little data
        try:
            return model.fit(inputs, target)
        except (ValueError, TypeError):  # scikit-learn's own word that these parts and inputs do not go together
            reject()


@st.composite
def classified(draw):
    labels = np.asarray(draw(st.sampled_from(LABELS)))
    inner = classifiers(labels)
    model = draw(st.recursive(inner, meta_classifiers, max_leaves=3))
    inputs = draw(arrays())
    return Case(fitted(model, inputs, labels[np.arange(ROWS) % len(labels)]), inputs, "sklearn")


@st.composite
def regressed(draw):
    inputs = draw(arrays())
    model = draw(st.recursive(REGRESSORS, meta_regressors, max_leaves=3))
    target = np.abs(np.asarray(inputs.sum(axis=1)).ravel())
    return Case(fitted(model, inputs, target), inputs, "sklearn")


@st.composite
def tables(draw):
    """Models of tables with columns of several types, missing values among them."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    table = pd.DataFrame(
        {
            "number": random.normal(size=ROWS),
            "gaps": np.where(random.random(ROWS) < 0.3, np.nan, 1.5),
            "text": random.choice(["red", "ünï", ""], ROWS),
            "flag": random.random(ROWS) < 0.5,
            "count": random.integers(0, 5, ROWS),
        }
    )
    numbers = draw(st.sampled_from([["number", "gaps"], make_column_selector("gaps"), [0, 1], slice(0, 2)]))
    prepare = make_pipeline(SimpleImputer(strategy=draw(st.sampled_from(["mean", "median"]))), StandardScaler())
    encoder = draw(
        st.builds(
            OneHotEncoder,
            handle_unknown=st.just("ignore"),
            sparse_output=st.booleans(),
            min_frequency=st.sampled_from([None, 9]),
        )
        | st.builds(
            OrdinalEncoder, handle_unknown=st.just("use_encoded_value"), unknown_value=st.sampled_from([-1, np.nan])
        )
    )
    columns = [
        ("numbers", prepare, numbers),
        ("text", encoder, ["text"]),
        ("bins", KBinsDiscretizer(2, quantile_method="averaged_inverted_cdf"), ["count"]),
    ]
    remainder = draw(st.sampled_from(["drop", "passthrough"]))
    last = draw(st.sampled_from([ensemble.HistGradientBoostingClassifier(max_iter=2), tree.DecisionTreeClassifier()]))
    together = ColumnTransformer(columns, remainder=remainder, sparse_threshold=0.0)
    if remainder == "passthrough" and isinstance(last, tree.DecisionTreeClassifier):
        last = ensemble.HistGradientBoostingClassifier(max_iter=2)
    search = draw(st.sampled_from([None, GridSearchCV, RandomizedSearchCV]))
    model = Pipeline([("columns", together), ("fit", last)])
    if search is not None:
        grid = {"columns__numbers__simpleimputer__add_indicator": [False, True]}
        more = {"n_iter": 1, "random_state": 0} if search is RandomizedSearchCV else {}
        model = search(model, grid, cv=StratifiedKFold(2), **more)
    return Case(fitted(model, table, table["flag"] if draw(st.booleans()) else np.arange(ROWS) % 2), table, "sklearn")


@few(16)
@given(classified())
def test_a_classifier_comes_back_whatever_its_labels(case):
    assert is_classifier(case.model)
    comes_back(case)


@few(15)
@given(regressed())
def test_a_regressor_comes_back(case):
    comes_back(case)


@few(6)
@given(tables())
def test_a_model_of_a_table_comes_back(case):
    comes_back(case)


@few(5)
@given(
    st.sampled_from([PCA(2), PolynomialFeatures(2), KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf")]),
    arrays(("numpy", "fortran", "pandas")),
)
def test_a_model_that_transforms_comes_back(model, inputs):
    comes_back(Case(model.fit(inputs), inputs, "sklearn", {"pyfunc_predict_fn": "transform"}))


def test_models_come_back_in_a_clean_interpreter():
    come_back_elsewhere(drawn(3, classified(), regressed(), tables()))
