"""While watching is on, scikit-learn's public functions look as ever; afterwards they are."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import steno
from sklearn import metrics, model_selection
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.utils import all_estimators
from sklearn.utils.validation import has_fit_parameter

ESTIMATORS = [cls for _, cls in all_estimators()]
METHODS = (
    "fit",
    "fit_predict",
    "fit_transform",
    "partial_fit",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "__init_subclass__",
)
FUNCTIONS = [
    (module, name)
    for module in (metrics, model_selection)
    for name in module.__all__
    if not inspect.ismodule(getattr(module, name))
]


def method(cls, name):
    return inspect.getattr_static(cls, name, None)


def look_of_class(cls):
    """All that one can see of a class's methods from outside."""
    found = [cls.__name__, sorted(vars(cls))]
    for name in METHODS:
        static = method(cls, name)
        if static is None or isinstance(static, property):
            continue
        inner = inspect.unwrap(getattr(static, "__func__", static))
        found.append((name, id(static), id(inner), name in vars(cls), inner.__qualname__, inner.__doc__))
        if inspect.isfunction(inner) and not name.startswith("__"):
            found.append((str(inspect.signature(inner)), inner.__defaults__, inner.__kwdefaults__))
    if inspect.isfunction(method(cls, "fit")):
        found += [str(inspect.signature(cls.fit)), pickle.dumps(cls.fit), has_fit_parameter(cls, "sample_weight")]
    found.append(pickle.dumps(cls))
    return found


def look_of_function(module, name):
    function = getattr(module, name)
    found = [id(function), pickle.dumps(function), function.__module__, function.__qualname__]
    if inspect.isfunction(function):
        found += [
            str(inspect.signature(function)),
            function.__doc__,
            function.__wrapped__.__name__ if hasattr(function, "__wrapped__") else "",
        ]
    return found


def everything():
    looks = {cls: look_of_class(cls) for cls in ESTIMATORS}
    return looks | {(module.__name__, name): look_of_function(module, name) for module, name in FUNCTIONS}


def inside(cls):
    """What only someone who looks for it sees: code, and the attributes of functions."""
    inner = inspect.unwrap(getattr(method(cls, "fit"), "__func__", method(cls, "fit")))
    return inner.__code__, dict(vars(inner))


def test_nothing_public_changes_while_on_and_nothing_at_all_after(tracking):
    before = everything()
    within = {cls: inside(cls) for cls in ESTIMATORS}
    steno.autolog()
    try:
        on = everything()
        watched = [cls for cls in ESTIMATORS if inside(cls)[0] is not within[cls][0]]
    finally:
        steno.autolog(disable=True)
    assert len(watched) == len(ESTIMATORS)
    assert on == before
    assert everything() == before
    assert {cls: inside(cls) for cls in ESTIMATORS} == within


def outcome(cls):
    """What becomes of an estimator that is cloned, pickled and asked for its routing, be it an error."""
    try:
        model = cls()
        twin = clone(pickle.loads(pickle.dumps(model)))
        routing = str(twin.get_metadata_routing())
    except (TypeError, ValueError, RecursionError, NotImplementedError, FutureWarning) as error:
        return type(error), str(error)
    assert model.fit == model.fit
    return sorted(twin.get_params()), routing


def test_estimators_clone_pickle_and_route_as_ever(tracking):
    before = {cls: outcome(cls) for cls in ESTIMATORS}
    steno.autolog()
    try:
        on = {cls: outcome(cls) for cls in ESTIMATORS}
    finally:
        steno.autolog(disable=True)
    assert on == before
    assert sum(isinstance(found[0], list) for found in before.values()) > 150


def test_a_pickle_made_while_on_loads_where_steno_is_not(autolog, iris, tmp_path):
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier().fit(*iris)
    things = [model, model.predict, DecisionTreeClassifier.fit, metrics.accuracy_score, model_selection.cross_validate]
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(things))
    program = (
        "import pickle, sys; sys.modules['steno'] = None\n"
        "model, predict, fit, accuracy, validate = pickle.load(open('model.pkl', 'rb'))\n"
        "assert len(predict([[1, 2, 3, 4]])) == 1 and accuracy([1], [1]) == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
