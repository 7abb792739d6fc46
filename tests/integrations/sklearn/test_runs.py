"""One training is one run, however it is started."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest
import steno
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from .conftest import all_runs, tree

TREE = DecisionTreeClassifier(max_depth=1)
META = {
    "BaggingClassifier": BaggingClassifier(TREE, n_estimators=3),
    "VotingClassifier": VotingClassifier([("a", TREE), ("b", TREE)]),
    "StackingClassifier": StackingClassifier([("a", TREE), ("b", TREE)], final_estimator=TREE, cv=2),
    "CalibratedClassifierCV": CalibratedClassifierCV(TREE, cv=2),
    "OneVsRestClassifier": OneVsRestClassifier(TREE),
    "Pipeline": make_pipeline(StandardScaler(), BaggingClassifier(TREE, n_estimators=2)),
    "RandomForestClassifier": RandomForestClassifier(3),
}


@pytest.mark.parametrize("name", META)
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_an_ensemble_is_one_run(autolog, iris, name, backend):
    model = META[name]
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=None if backend == "sequential" else 2)
    with joblib.parallel_backend(backend):
        model.fit(*iris)
    assert tree() == [(name, "FINISHED", 0)]


def test_each_thread_has_runs_of_its_own(autolog, iris):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda depth: DecisionTreeClassifier(max_depth=depth).fit(*iris), range(1, 9)))
    assert sorted(run.data.params["max_depth"] for run in all_runs()) == [str(depth) for depth in range(1, 9)]
    assert {run.info.status for run in all_runs()} == {"FINISHED"}


def test_a_thread_started_inside_a_fit_belongs_to_it(autolog, iris):
    class Threaded(DecisionTreeClassifier):
        def fit(self, X, y):
            worker = threading.Thread(target=lambda: DecisionTreeClassifier().fit(X, y))
            worker.start()
            worker.join()
            return super().fit(X, y)

    Threaded().fit(*iris)
    assert tree() == [("Threaded", "FINISHED", 0)]


def test_tasks_are_runs_of_their_own(autolog, iris):
    async def train(depth):
        await asyncio.sleep(0)
        with steno.start_run(run_name=f"task {depth}"):
            await asyncio.sleep(0)
            DecisionTreeClassifier(max_depth=depth).fit(*iris)
            await asyncio.sleep(0)

    async def all_of_them():
        await asyncio.gather(*(train(depth) for depth in (1, 2, 3)))

    asyncio.run(all_of_them())
    found = {run.info.run_name: run.data.params["max_depth"] for run in all_runs()}
    assert found == {"task 1": "1", "task 2": "2", "task 3": "3"}


def test_two_fits_in_a_row_are_two_runs(autolog, iris):
    model = DecisionTreeClassifier()
    model.fit(*iris)
    model.fit(*iris)
    assert tree() == [("DecisionTreeClassifier", "FINISHED", 0)] * 2


def test_an_exception_inside_a_search_fails_the_search_alone(autolog, iris):
    X, y = iris
    with pytest.raises(ValueError, match="All the 4 fits failed"):
        GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(X * float("nan"), y)
    assert tree() == [("GridSearchCV", "FAILED", 0)]


def test_ctrl_c_kills_the_run(autolog, iris):
    class Interrupted(DecisionTreeClassifier):
        def fit(self, X, y):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().fit(*iris)
    assert tree() == [("Interrupted", "KILLED", 0)]


def test_after_it_is_switched_off_nothing_is_recorded(autolog, iris):
    steno.autolog(disable=True)
    DecisionTreeClassifier().fit(*iris)
    assert all_runs() == []


def test_a_users_run_is_used_unless_asked_otherwise(autolog, iris):
    with steno.start_run(run_name="mine"):
        DecisionTreeClassifier().fit(*iris)
        autolog(exclusive=True)
        LogisticRegression(max_iter=500).fit(*iris)
    (run,) = all_runs()
    assert run.info.run_name == "mine"
    assert run.data.tags["estimator_name"] == "DecisionTreeClassifier"
    assert "mlflow.autologging" not in run.data.tags


PROGRAM = """
import multiprocessing, sys
import steno
steno.autolog(log_models=False)
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

def train(depth):
    DecisionTreeClassifier(max_depth=depth).fit(*load_iris(return_X_y=True))

class Forking(DecisionTreeClassifier):
    def fit(self, X, y):
        worker = multiprocessing.get_context("fork").Process(target=train, args=(7,))
        worker.start()
        worker.join()
        return super().fit(X, y)

if __name__ == "__main__":
    how = sys.argv[1]
    if how == "nested":
        Forking().fit(*load_iris(return_X_y=True))
    else:
        with multiprocessing.get_context(how).Pool(2) as pool:
            pool.map(train, [1, 2, 3])
            pool.close()
            pool.join()
"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("fork", [("DecisionTreeClassifier", "FINISHED", 0)] * 3),
        ("spawn", [("DecisionTreeClassifier", "FINISHED", 0)] * 3),
        ("nested", [("Forking", "FINISHED", 0)]),
    ],
)
def test_processes_are_told_apart(tracking, tmp_path, how, expected):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environ = {**os.environ, "STENO_TRACKING_URI": tracking, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, program, how], env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert tree() == expected


def test_switched_off_and_on_again_every_estimator_is_watched(tracking):
    program = (
        "import sys, steno\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "steno.set_tracking_uri(sys.argv[1])\n"
        "steno.autolog(log_models=False)\n"
        "import sklearn.cluster  # one more module of scikit-learn's, while it is watched\n"
        "for _ in range(3):\n"
        "    DecisionTreeClassifier().fit([[0], [1]], [0, 1])\n"
        "    steno.autolog(disable=True)\n"
        "    steno.autolog(log_models=False)\n"
    )
    subprocess.run([sys.executable, "-c", program, tracking], check=True, timeout=100)
    assert len(all_runs()) == 3
