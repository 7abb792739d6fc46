"""Watches CatBoost: every fit, cross-validation and search, and what is predicted afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from steno.contracts.integration import Patch, Via

from steno_catboost import evaluation, searching, sources, training, validation

# One row for each function there is. `catboost.train` comes down to the first.
_FITS = ("CatBoost.fit", "CatBoostClassifier.fit", "CatBoostRegressor.fit", "CatBoostRanker.fit")
_SEARCHES = ("CatBoost.grid_search", "CatBoost.randomized_search")
_PREDICTS = (
    "CatBoost.predict",
    "CatBoostClassifier.predict",
    "CatBoostClassifier.predict_proba",
    "CatBoostClassifier.predict_log_proba",
    "CatBoostRegressor.predict",
    "CatBoostRanker.predict",
)
_SCORES = ("CatBoostClassifier.score", "CatBoostRegressor.score", "CatBoostRanker.score")


class CatBoostIntegration:
    """CatBoost 1.2 and later."""

    name = "catboost"
    modules = ("catboost.core",)

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows of the one module in which everything lies."""
        sources.forget()
        yield Patch("Pool.__init__", tap=sources.remember, via=Via.CODE, captures="what a Pool was made of")
        for name in _FITS:
            captures = "params, metrics of each iteration, data, importances, the model"
            yield Patch(name, training.fit, joins=True, via=Via.CODE, captures=captures)
        yield Patch("cv", validation.cv, many=True, captures="a cross-validation, its means and folds")
        for name in _SEARCHES:
            yield Patch(name, searching.search, many=True, via=Via.CODE, captures="a search, its best and the refit")
        yield Patch("CatBoost.select_features", searching.select, many=True, via=Via.CODE, captures="what was selected")
        # CatBoost 1.2.0 does not have it.
        yield Patch("sample_gaussian_process", searching.sample, many=True, optional=True, captures="a sampling")
        for name in _PREDICTS:
            yield Patch(name, evaluation.predict, via=Via.CODE, captures="which model predicted")
        for name in _SCORES:
            yield Patch(name, evaluation.score, via=Via.CODE, captures="scores after a training")


integration = CatBoostIntegration()
