"""The fault matrix: whatever fails on steno's side, a training gives what it gives without steno."""

from __future__ import annotations

import hashlib
import itertools
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import steno
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from steno.tracking import ending

from .kinds import FAULTS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 5))
Y = (X[:, 0] + 0.3 * RNG.normal(size=80) > 0).astype(int)


class Sulky:
    """A param that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Own(ClassifierMixin, BaseEstimator):
    """An estimator of the user's, with params no store would like, which may fail in its own way."""

    def __init__(self, fails: bool = False, sulky: Any = None, huge: str = "x" * 100_000, ratio: float = float("nan")):
        self.fails, self.sulky, self.huge, self.ratio = fails, sulky, huge, ratio

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.unpicklable_ = (row for row in X)
        if self.fails:
            try:
                {}["no such"]
            except KeyError as error:
                raise ArithmeticError("the user's own", 42) from error
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def _logistic() -> Any:
    model = LogisticRegression().fit(X, Y)
    accuracy_score(Y, model.predict(X))
    return model.predict_proba(X)


def _user_run() -> Any:
    with steno.start_run():
        return Ridge().fit(X, X[:, 1]).predict(X)


JOBS: dict[str, Callable[[], Any]] = {
    "a classifier": _logistic,
    "a regressor": lambda: Ridge().fit(X, X[:, 1]).predict(X),
    "a clusterer": lambda: KMeans(2, n_init=1, random_state=0).fit_predict(X),
    "a pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y).predict_proba(X),
    "a forest": lambda: RandomForestClassifier(8, random_state=0, n_jobs=2).fit(X, Y).predict_proba(X),
    "a forest on the global generator": lambda: RandomForestClassifier(4).fit(X, Y).predict_proba(X),
    "a search": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y).predict_proba(X),
    "cross-validation": lambda: cross_validate(LogisticRegression(), X, Y, cv=2)["test_score"],
    "sparse data": lambda: SGDClassifier(random_state=0).fit(sparse.csr_matrix(X), Y).decision_function(X),
    "an estimator of one's own": lambda: Own(sulky=Sulky()).fit(X, Y).predict(X),
    "bad data": lambda: LogisticRegression().fit(np.full((4, 2), np.nan), [0, 1, 0, 1]),
    "a bad hyper-parameter": lambda: LogisticRegression(C=-1.0).fit(X, Y),
    "an error of one's own": lambda: Own(fails=True).fit(X, Y),
    "a warning": lambda: LogisticRegression(max_iter=1).fit(X * 1e3, Y).predict_proba(X),
    "a run of one's own": _user_run,
}


class Outcome:
    """What a training did, as far as its user can tell: result, error with traceback, warnings, random state."""

    def __init__(self, job: Callable[[], Any]) -> None:
        np.random.seed(7)
        self.error: tuple[Any, ...] | None = None
        self.digest = ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                self.digest = hashlib.sha256(np.asarray(job()).tobytes()).hexdigest()
            except Exception as error:
                self.error = _told(error)
        self.warnings = [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
        self.random = np.random.get_state()[1].tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.digest} {self.error} {self.warnings}"


def _told(error: BaseException) -> tuple[Any, ...]:
    frames = [(frame.filename, frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ and (type(error.__cause__), str(error.__cause__))
    return type(error), str(error), cause, type(error.__context__), frames


# The user's own start_run says what is wrong with a setting; everything else goes on.
CELLS = [cell for cell in itertools.product(FAULTS, JOBS) if cell != ("a setting is nonsense", "a run of one's own")]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("fault", "job"), CELLS, indirect=["fault"])
def test_a_training_is_what_it_is_without_steno(fault: None, job: str) -> None:
    with_steno = Outcome(JOBS[job])
    left_open = list(ending._open.values())
    steno.autolog(disable=True)
    assert with_steno == _without(job)
    assert not left_open, "a training that is over leaves no run open"


_plain: dict[str, Outcome] = {}


def _without(job: str) -> Outcome:
    if job not in _plain:
        _plain[job] = Outcome(JOBS[job])
    return _plain[job]


SCRIPT = """
import os, sys
import numpy as np
if os.environ["WATCHED"] == "yes":
    import steno
    from steno.plugins import plugins
    import awkward
    plugins().register(awkward, "awkward")
    steno.set_tracking_uri(sys.argv[1])
    steno.autolog()
from sklearn.linear_model import LogisticRegression
X = np.arange(40.0).reshape(20, 2)
model = LogisticRegression().fit(X, np.arange(20) % 2)
print(model.predict_proba(X).sum())
if sys.argv[2] == "raise":
    LogisticRegression().fit(X * np.nan, np.arange(20) % 2)
if sys.argv[2] == "exit":
    sys.exit(3)
"""


@pytest.mark.parametrize("way", ["", "raise", "hang"])
@pytest.mark.parametrize(("end", "status"), [("fall off", 0), ("raise", 1), ("exit", 3)])
def test_a_script_prints_and_ends_as_it_does_without_steno(
    way: str, end: str, status: int, awkward: Any, script: Any
) -> None:
    if end not in _plain_scripts:
        _plain_scripts[end] = script.ended(SCRIPT, awkward.uri, end, WATCHED="no")
    awkward.be(way)
    deadline = "0.5" if way else "30"
    code, out, said = script.ended(SCRIPT, awkward.uri, end, WATCHED="yes", STENO_EXIT_TIMEOUT_S=deadline)
    said = [line for line in said if not (way and "could not be written" in line)]
    assert (code, out, said) == _plain_scripts[end]
    assert code == status


_plain_scripts: dict[str, tuple[int, str, list[str]]] = {}
