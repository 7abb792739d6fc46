# runs: 2
# metrics: training_accuracy_score
"""Looks at what it uses: signatures, sources, help, pickles of functions, identities."""

import inspect
import io
import pickle
import pydoc
from contextlib import redirect_stdout
from functools import partial

from sklearn import metrics
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import accuracy_score
from sklearn.tree import DecisionTreeClassifier

fit = DecisionTreeClassifier.fit
print(inspect.signature(fit), fit.__qualname__, fit.__module__, len(inspect.getsource(fit).splitlines()))
print(
    accuracy_score is metrics.accuracy_score, fit is DecisionTreeClassifier.fit, callable(fit), inspect.isfunction(fit)
)
print(pickle.dumps(accuracy_score), pickle.loads(pickle.dumps(partial(accuracy_score, normalize=False))))
out = io.StringIO()
with redirect_stdout(out):
    help(accuracy_score)
print(out.getvalue().splitlines()[2], len(pydoc.render_doc(DecisionTreeClassifier.fit)))
X, y = load_iris(return_X_y=True)
bag = BaggingClassifier(DecisionTreeClassifier(max_depth=2), 4, random_state=0)
copy = clone(bag).fit(X, y)
bound = bag.fit
print(bound(X, y) is bag, sorted(vars(bag)) == sorted(vars(copy)), is_classifier(bag), bound.__self__ is bag)
print(sorted(name for name in vars(bag) if not name.endswith("_")), len(pickle.dumps(bag)) == len(pickle.dumps(copy)))
print(
    accuracy_score.__code__.co_name,
    accuracy_score.__defaults__,
    accuracy_score.__kwdefaults__,
    accuracy_score.__wrapped__.__name__,
)
