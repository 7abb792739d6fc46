"""Which estimators are watched: scikit-learn's and the user's own, those there are and those to come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from steno.autolog import watch
from steno.contracts.integration import Advice, Patch, Via
from steno.plugins import plugins

from steno_sklearn import evaluation, searches, stepping, training

FITS = ("fit", "fit_predict", "fit_transform")
_PREDICTIONS = "which model and data a later metric is of"
# Methods that say the same for all classes that share them.
SHARED: dict[str, Advice] = {
    "partial_fit": stepping.partial_fit,
    "predict": evaluation.predict,
    "predict_proba": evaluation.predict,
    "predict_log_proba": evaluation.predict,
    "decision_function": evaluation.predict,
    "score": evaluation.score,
}
CAPTURES = {
    "partial_fit": "params, dataset and model of a fit in parts",
    "predict": _PREDICTIONS,
    "predict_proba": _PREDICTIONS,
    "predict_log_proba": _PREDICTIONS,
    "decision_function": _PREDICTIONS,
    "score": "scores computed after a fit",
}
# Preparing data: part of a training, none by itself.
_PREPARING = (
    "sklearn.preprocessing.",
    "sklearn.impute.",
    "sklearn.feature_extraction.",
    "sklearn.feature_selection.",
    "sklearn.compose._column_transformer",
)
_SEARCH = "BaseSearchCV"  # by name, since importing it would import what the user may not need
_PREPARING_CLASSES = frozenset({"FeatureUnion"})


class Estimators:
    """The classes and methods that are watched, so that each is once."""

    def __init__(self) -> None:
        self._classes: set[type] = set()
        self._shared: set[tuple[type, str]] = set()

    def forget(self) -> None:
        """Begin anew."""
        self._classes.clear()
        self._shared.clear()

    def discover(self) -> None:
        """Watch every estimator class there is."""
        for cls in list(_subclasses(BaseEstimator)):
            self.meet(cls)

    def meet(self, cls: Any) -> None:
        """Watch a class."""
        if cls in self._classes or not (isinstance(cls, type) and issubclass(cls, BaseEstimator)):
            return
        self._classes.add(cls)
        own = cls.__module__.startswith("sklearn.")
        unfinished = own and cls.__name__.startswith(("_", "Base"))
        # What comes after a fit is recorded here for all estimators alike, whoever records the fit itself.
        if not unfinished and not _another_watches(cls):
            watch("sklearn", cls, [_patch(cls, name) for name in FITS if _definer(cls, name) is not None])
        for name, advice in SHARED.items():
            definer = _definer(cls, name)
            if definer is not None and (definer, name) not in self._shared:
                self._shared.add((definer, name))
                watch("sklearn", definer, [Patch(name, advice, via=Via.CODE, captures=CAPTURES[name])])


def _another_watches(cls: type) -> bool:
    """Whether its models are of a framework that has an integration of its own: XGBClassifier is XGBoost's."""
    found = plugins()
    owner = found.flavors.owner_of_class(cls)
    return owner is not None and owner.name != "sklearn" and owner.name in found.integrations.offers


def prepares(cls: type) -> bool:
    """Whether a class of scikit-learn's prepares data, as MLflow sees it."""
    return f"{cls.__module__}.".startswith(_PREPARING) or (
        cls.__name__ in _PREPARING_CLASSES and cls.__module__.startswith("sklearn.")
    )


def _patch(cls: type, name: str) -> Patch:
    advice: Advice = training.fit
    captures = "params, metrics, dataset and model of a fit"
    if any(prepares(base) for base in cls.__mro__):
        advice, captures = training.silent, "nothing: it prepares data"
    elif name == "fit" and any(base.__name__ == _SEARCH for base in cls.__mro__):
        advice, captures = searches.search, "every candidate of a search"
    many = advice is training.silent or issubclass(cls, MetaEstimatorMixin)
    return Patch(name, advice, many=many, via=Via.CODE, captures=captures)


def _definer(cls: type, name: str) -> type | None:
    return next((base for base in cls.__mro__ if name in vars(base)), None)


def _subclasses(cls: type) -> Iterator[type]:
    seen: set[type] = set()
    stack = [cls]
    while stack:
        found: type
        for found in stack.pop().__subclasses__():
            if found not in seen:
                seen.add(found)
                stack.append(found)
                yield found
