"""A script in the manner of scikit-learn's gallery: most kinds of training there are, each printed by its digest.

`python gallery.py plain` runs it as its author wrote it, `python gallery.py watched` with the one line before it.
"""

from __future__ import annotations

import copy
import hashlib
import pickle
import sys
import warnings

import numpy as np

if sys.argv[1] == "watched":
    import steno

    steno.autolog()
warnings.simplefilter("always")

import pandas as pd  # noqa: E402 - after autolog, as users do
from scipy import sparse  # noqa: E402
from sklearn import (  # noqa: E402
    calibration,
    cluster,
    compose,
    datasets,
    decomposition,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    inspection,
    linear_model,
    manifold,
    metrics,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)
from sklearn.base import clone  # noqa: E402
from sklearn.experimental import enable_halving_search_cv  # noqa: E402, F401
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: E402

np.random.seed(3)
IRIS, KINDS = datasets.load_iris(return_X_y=True)
DIABETES, PROGRESS = datasets.load_diabetes(return_X_y=True)
CANCER, MALIGN = datasets.load_breast_cancer(return_X_y=True, as_frame=True)


def show(name: str, values: object) -> None:
    """Print a digest of an array, and one of the global random state: nobody else may draw from it."""
    digest = [
        hashlib.md5(np.ascontiguousarray(a).tobytes()).hexdigest()[:8] for a in (values, np.random.get_state()[1])
    ]
    print(name, *digest)


def pipelines() -> None:
    frame = pd.DataFrame({"age": [*range(98), None, None], "city": list("abcd") * 25, "t": range(100)})
    target = np.arange(100) % 2
    numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    columns = [("n", numbers, ["age", "t"]), ("c", preprocessing.OneHotEncoder(), ["city"])]
    steps = [("ct", compose.ColumnTransformer(columns)), ("m", ensemble.HistGradientBoostingClassifier(max_iter=5))]
    model = pipeline.Pipeline(steps).fit(frame, target)
    show("columns", model.predict_proba(frame))
    print(model.score(frame, target), metrics.classification_report(target, model.predict(frame)))
    show("pickled", pickle.loads(pickle.dumps(model)).predict_proba(frame))
    show("copied", copy.deepcopy(model).predict_proba(frame))
    show("cloned", clone(model).fit(frame, target).predict_proba(frame))
    texts = ["good film", "bad film", "great", "awful bad"] * 10
    union = pipeline.FeatureUnion([("a", TfidfVectorizer()), ("b", CountVectorizer())])
    show(
        "texts", pipeline.make_pipeline(union, linear_model.LogisticRegression()).fit(texts, [1, 0] * 20).predict(texts)
    )


def searches() -> None:
    grid, trees = {"C": [0.1, 1], "kernel": ["rbf", "linear"]}, {"max_depth": [2, 3, 4, 5]}
    several = {"scoring": ["accuracy", "f1_macro"], "refit": "accuracy", "return_train_score": True}
    found = model_selection.GridSearchCV(svm.SVC(), grid, cv=3, n_jobs=2, **several).fit(IRIS, KINDS)
    show("grid", found.cv_results_["mean_test_f1_macro"])
    forest = ensemble.RandomForestClassifier(5)
    drawn = model_selection.RandomizedSearchCV(forest, trees, n_iter=3, random_state=0, cv=3).fit(IRIS, KINDS)
    show("drawn", drawn.cv_results_["mean_test_score"])
    halved = model_selection.HalvingGridSearchCV(tree.DecisionTreeClassifier(random_state=0), trees, random_state=0)
    show("halved", halved.fit(IRIS, KINDS).cv_results_["iter"])
    failing = model_selection.GridSearchCV(tree.DecisionTreeClassifier(random_state=0), {"max_depth": [1, -5]}, cv=3)
    print(failing.fit(IRIS, KINDS).best_params_)


def validation() -> None:
    plain, bayes = tree.DecisionTreeClassifier(random_state=0), naive_bayes.GaussianNB()
    show("scores", model_selection.cross_val_score(linear_model.RidgeClassifier(), CANCER, MALIGN, cv=4))
    show("predicted", model_selection.cross_val_predict(bayes, IRIS, KINDS))
    show("learning", model_selection.learning_curve(plain, IRIS, KINDS, cv=3)[1])
    curve = model_selection.validation_curve(plain, IRIS, KINDS, param_name="max_depth", param_range=[1, 2], cv=3)
    show("validation", curve[1])
    print(model_selection.permutation_test_score(bayes, IRIS, KINDS, n_permutations=5, random_state=0)[2])


def classifiers() -> None:
    two = [("a", naive_bayes.GaussianNB()), ("b", neighbors.KNeighborsClassifier())]
    for model in (
        ensemble.StackingClassifier(two, cv=3),
        ensemble.VotingClassifier(two),
        ensemble.BaggingClassifier(random_state=0, n_estimators=4, n_jobs=2),
        ensemble.AdaBoostClassifier(n_estimators=4, random_state=0),
        ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0),
        ensemble.ExtraTreesClassifier(5),
        neural_network.MLPClassifier((5,), max_iter=30),
        multiclass.OneVsRestClassifier(linear_model.LogisticRegression(max_iter=500)),
        calibration.CalibratedClassifierCV(naive_bayes.GaussianNB()),
        semi_supervised.SelfTrainingClassifier(naive_bayes.GaussianNB()),
        feature_selection.RFECV(tree.DecisionTreeClassifier(random_state=0), cv=3),
        linear_model.LogisticRegressionCV(Cs=3, max_iter=500),
    ):
        model.fit(IRIS, KINDS)
        show(type(model).__name__, model.predict(IRIS))
        print(model.score(IRIS, KINDS), metrics.f1_score(KINDS, model.predict(IRIS), average="macro"))


def regressors() -> None:
    for model in (
        compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
        multioutput.MultiOutputRegressor(linear_model.Ridge()),
        svm.SVR(),
        gaussian_process.GaussianProcessRegressor(),
        linear_model.LassoCV(cv=3),
        linear_model.RANSACRegressor(random_state=0),
        ensemble.StackingRegressor([("r", linear_model.Ridge())], cv=3),
    ):
        target = np.c_[PROGRESS, PROGRESS] if isinstance(model, multioutput.MultiOutputRegressor) else PROGRESS
        model.fit(DIABETES, target)
        show(type(model).__name__, model.predict(DIABETES))
        print(metrics.mean_squared_error(target, model.predict(DIABETES)) > 0)


def without_a_target() -> None:
    for model in (
        cluster.KMeans(3, n_init=2),
        cluster.DBSCAN(),
        cluster.AgglomerativeClustering(3),
        cluster.Birch(),
        ensemble.IsolationForest(n_estimators=5, random_state=0),
    ):
        show(type(model).__name__, model.fit_predict(IRIS))
    show("PCA", decomposition.PCA(2).fit_transform(IRIS))
    show("mixture", mixture.GaussianMixture(2, random_state=0).fit(IRIS).predict(IRIS))
    show("t-SNE", manifold.TSNE(init="random", random_state=0).fit_transform(IRIS[:60]))


def in_steps_and_sparse() -> None:
    model = linear_model.SGDClassifier(random_state=0)
    for i in range(10):
        model.partial_fit(IRIS[i::10], KINDS[i::10], classes=[0, 1, 2])
    show("steps", model.coef_)
    show("permuted", inspection.permutation_importance(model, IRIS, KINDS, n_repeats=2, random_state=0).importances)
    wide = sparse.random(300, 50_000, density=0.001, format="csr", random_state=0)
    show("sparse", linear_model.LogisticRegression().fit(wide, np.arange(300) % 2).coef_)
    print(len(pickle.dumps(linear_model.LogisticRegression().fit(IRIS, KINDS))))
    try:
        linear_model.LogisticRegression().fit(IRIS, KINDS[:-1])
    except ValueError as error:
        print(error)


for part in (pipelines, searches, validation, classifiers, regressors, without_a_target, in_steps_and_sparse):
    part()
