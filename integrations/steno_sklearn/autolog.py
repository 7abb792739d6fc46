"""Watches scikit-learn: every fit, search and cross-validation, and the metrics computed after them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from steno.autolog import provenance
from steno.contracts.integration import Patch, Via

from steno_sklearn import evaluation, searches, validation
from steno_sklearn.estimators import Estimators

_VALIDATIONS = {
    "cross_validate": validation.cross_validate,
    "cross_val_predict": validation.cross_val_predict,
    "learning_curve": validation.learning_curve,
    "validation_curve": validation.validation_curve,
    "permutation_test_score": validation.permutation_test_score,
}
# Its classes come one by one by `__init_subclass__`; but not those that are imported inside a search.
_PACKAGES = """calibration cluster compose covariance cross_decomposition decomposition discriminant_analysis dummy
    ensemble gaussian_process isotonic kernel_ridge linear_model manifold mixture multiclass multioutput naive_bayes
    neighbors neural_network pipeline semi_supervised svm tree""".split()


class SklearnIntegration:
    """scikit-learn 1.4 and later, and whatever estimators are built on its base class."""

    name = "sklearn"
    modules = (
        "sklearn",
        "sklearn.base",
        "sklearn.metrics",
        "sklearn.model_selection",
        *(f"sklearn.{package}" for package in _PACKAGES),
    )

    def __init__(self) -> None:
        self._estimators = Estimators()

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows of a module that has arrived; estimators are watched class by class."""
        if module.__name__ == "sklearn":  # only what wakes the integration
            return ()
        self._estimators.discover()
        if module.__name__ == "sklearn.base":
            # The function itself: every class has a method of that name, if only `object`'s.
            later, captures = "BaseEstimator.__init_subclass__.__func__", "estimator classes defined later"
            return [Patch(later, tap=self._meet, joins=True, via=Via.CODE, captures=captures)]
        if module.__name__ == "sklearn.metrics":
            return _metrics(module)
        return _validations(module) if module.__name__ == "sklearn.model_selection" else ()

    def switched_off(self) -> None:
        """Know nothing of what was watched: switched on again, every class is met anew."""
        self._estimators.forget()
        provenance.forget()

    def _meet(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._estimators.meet(args[0])


def _metrics(module: ModuleType) -> Iterator[Patch]:
    """Every function of `sklearn.metrics` that rates; what turns out to give no number is left alone later."""
    for name in module.__all__:
        function = getattr(module, name, None)
        if inspect.isfunction(function) and not name.startswith(("get_", "make_", "check_", "pairwise_")):
            yield Patch(name, evaluation.metric, via=Via.CODE, captures="metrics computed after a fit")


def _validations(module: ModuleType) -> Iterator[Patch]:
    for name, advice in _VALIDATIONS.items():
        joins = name == "cross_validate"
        yield Patch(name, advice, many=True, joins=joins, via=Via.CODE, captures="scores of a validation")
    yield Patch(
        "cross_val_score", validation.cross_val_score, via=Via.CODE, captures="which validation the scores are of"
    )
    yield Patch(
        "_search.BaseSearchCV._format_results",
        searches.keep_folds,
        joins=True,
        via=Via.CODE,
        captures="time of each fold of a search",
    )


integration = SklearnIntegration()
